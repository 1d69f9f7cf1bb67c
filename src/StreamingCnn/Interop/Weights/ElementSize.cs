using static TorchSharp.torch;

namespace StreamingCnn.Interop.Weights;

/// <summary>Bytes that one value takes in a file.</summary>
internal static class ElementSize
{
    /// <summary>The size of one value of a type that files of weights hold.</summary>
    public static int Of(ScalarType type) => type switch
    {
        ScalarType.Float64 or ScalarType.Int64 => 8,
        ScalarType.Float32 or ScalarType.Int32 => 4,
        ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Int16 => 2,
        _ => 1,
    };
}
