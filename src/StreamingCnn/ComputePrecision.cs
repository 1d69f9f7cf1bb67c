namespace StreamingCnn;

/// <summary>The type that feature maps are computed and kept in.</summary>
public enum ComputePrecision
{
    /// <summary>That of the trunk's parameters.</summary>
    Parameters,

    /// <summary>
    /// bfloat16, with 8 significant bits; parameters stay float32 and their gradients are summed in float32. Maps and carry take half the
    /// memory. The first layers, which see the image, and layers that bfloat16 does not suit compute in float32.
    /// </summary>
    BFloat16,
}
