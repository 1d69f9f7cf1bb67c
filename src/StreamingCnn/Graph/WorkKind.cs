namespace StreamingCnn.Graph;

/// <summary>Kinds of arithmetic, which libraries do at very different speeds.</summary>
internal enum WorkKind
{
    /// <summary>A convolution in which each output sees many input channels.</summary>
    Convolution,

    /// <summary>The same of an image's few channels.</summary>
    ImageConvolution,

    /// <summary>A convolution in groups of few channels.</summary>
    GroupedConvolution,

    /// <summary>A matrix applied to the channels of each pixel.</summary>
    PerPixel,
}
