using StreamingCnn.Imaging;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Serving;

/// <summary>Settings of a <see cref="Predictor"/>.</summary>
public sealed record PredictorOptions
{
    /// <summary>
    /// How the model is streamed: tile, memory budget and so on. The budget is that of one prediction; there is one at a time.
    /// </summary>
    /// <value>The default value is what <see cref="StreamingOptions"/> says.</value>
    public StreamingOptions Streaming { get; init; } = new();

    /// <summary>The device that computes, such as <c>ComputeDevice.Parse("auto").Find()</c>.</summary>
    /// <value>The default value is null: the processor.</value>
    public Device? Device { get; init; }

    /// <summary>Where the model is a module of your own: <c>path/to/Assembly.dll:Namespace.Type</c>. Its code is executed.</summary>
    /// <value>The default value is null: a model that comes with the library, or is held by the file of weights.</value>
    public string? OwnModule { get; init; }

    /// <summary>Resolution in micrometres per pixel of image files that do not state theirs.</summary>
    /// <value>The default value is null: as in training.</value>
    public double? MicrometresPerPixel { get; init; }

    /// <summary>Bands of image files that are read, in the order of training, where files have others than those of training.</summary>
    /// <value>The default value is null: as in training.</value>
    public BandChoice? Bands { get; init; }
}
