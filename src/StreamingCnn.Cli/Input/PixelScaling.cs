namespace StreamingCnn.Cli.Input;

/// <summary>How pixels are scaled before they reach the network.</summary>
internal enum PixelScaling
{
    /// <summary>0 to 255 becomes -1 to 1.</summary>
    Symmetric,

    /// <summary>By ImageNet's mean and deviation of red, green and blue.</summary>
    ImageNet,
}
