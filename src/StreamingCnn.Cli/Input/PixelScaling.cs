namespace StreamingCnn.Cli.Input;

/// <summary>How pixels are scaled before they reach the network.</summary>
internal enum PixelScaling
{
    /// <summary>By what the images are.</summary>
    Auto,

    /// <summary>0 to 255, or a range that is given, becomes -1 to 1.</summary>
    Symmetric,

    /// <summary>By ImageNet's mean and deviation of red, green and blue.</summary>
    ImageNet,

    /// <summary>By mean and deviation of the training images.</summary>
    Measured,

    /// <summary>Not at all.</summary>
    None,
}
