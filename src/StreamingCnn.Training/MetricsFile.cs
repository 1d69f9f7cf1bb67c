using System.Globalization;
using System.Text;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Training;

/// <summary>A run's epochs as a table: CSV with a header, a line per epoch, fields of absent validation empty.</summary>
public static class MetricsFile
{
    /// <summary>Writes the table, replacing an older one in one step.</summary>
    /// <param name="path">The file.</param>
    /// <param name="epochs">The epochs, as <see cref="Trainer.History"/> has them.</param>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public static void Write(string path, IEnumerable<EpochResult> epochs)
    {
        ArgumentNullException.ThrowIfNull(epochs);
        var text = new StringBuilder("epoch,loss,accuracy,validation_loss,validation_accuracy\n");
        foreach (var epoch in epochs)
            text.Append(CultureInfo.InvariantCulture, $"{epoch.Epoch},{epoch.Loss:R},{epoch.Accuracy:R},{epoch.Validation?.Loss:R},{epoch.Validation?.Accuracy:R}\n");
        AtomicFile.Write(path, file => file.Write(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
