namespace StreamingCnn.Onnx;

/// <summary>What goes into a file of ONNX besides the network.</summary>
public sealed record OnnxExportOptions
{
    /// <summary>Channels of the image.</summary>
    /// <value>The default value is 3.</value>
    public int Channels { get; init; } = 3;

    /// <summary>
    /// What is taken off each channel of the image before the network, and by what the rest is divided; as many of both as channels.
    /// Null: the network gets the image as it is.
    /// </summary>
    /// <value>The default value is null.</value>
    public (IReadOnlyList<double> Mean, IReadOnlyList<double> Deviation)? Preprocessing { get; init; }

    /// <summary>What else is said of the network, such as names of classes.</summary>
    /// <value>The default value is empty.</value>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();
}
