using System.Globalization;
using System.Text;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Training;

/// <summary>A run's epochs as a table: CSV with a header, a line per epoch, fields of absent validation empty.</summary>
public static class MetricsFile
{
    /// <summary>Writes the table, replacing an older one in one step.</summary>
    /// <param name="path">The file.</param>
    /// <param name="scoreName">Name of the score.</param>
    /// <param name="epochs">The epochs, as <see cref="Trainer.History"/> has them.</param>
    /// <param name="monitor">What else is monitored, a column at the end for each part; null for nothing.</param>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public static void Write(string path, string scoreName, IEnumerable<EpochResult> epochs, MonitoredMetric? monitor = null)
    {
        ArgumentNullException.ThrowIfNull(scoreName);
        ArgumentNullException.ThrowIfNull(epochs);
        var name = scoreName.Replace(' ', '_');
        var text = new StringBuilder($"epoch,loss,{name},validation_loss,validation_{name},learning_rate");
        text.Append(monitor is null ? "\n" : $",{monitor.Name},validation_{monitor.Name}\n");
        foreach (var epoch in epochs)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{epoch.Epoch},{epoch.Training.Loss:R},{epoch.Training.Score:R},{epoch.Validation?.Loss:R},{epoch.Validation?.Score:R},{epoch.LearningRate:R}");
            if (monitor is not null)
                text.Append(CultureInfo.InvariantCulture, $",{monitor.Value(epoch.Training):R},{monitor.Value(epoch.Validation):R}");
            text.Append('\n');
        }

        AtomicFile.Write(path, file => file.Write(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
