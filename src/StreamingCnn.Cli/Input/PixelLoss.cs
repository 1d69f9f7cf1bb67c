namespace StreamingCnn.Cli.Input;

/// <summary>What a map is learned by.</summary>
internal enum PixelLoss
{
    /// <summary>What is usual: cross-entropy of classes, the squared error of numbers.</summary>
    Usual,

    /// <summary>Cross-entropy.</summary>
    CrossEntropy,

    /// <summary>Soft Dice.</summary>
    Dice,

    /// <summary>Both in sum.</summary>
    DiceCrossEntropy,

    /// <summary>Focal loss.</summary>
    Focal,

    /// <summary>Squared error.</summary>
    Squared,

    /// <summary>Absolute error.</summary>
    Absolute,
}
