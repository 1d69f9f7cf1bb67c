using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>How bare samples lie in a file: row by row, little-endian.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Channels">Samples of a pixel.</param>
/// <param name="Samples">Type of a sample.</param>
/// <param name="Offset">Bytes before the first sample.</param>
public sealed record RawLayout(long Height, long Width, int Channels = 1, RawSamples Samples = RawSamples.UInt8, long Offset = 0)
{
    /// <summary>
    /// Whether whole channels lie one behind the other, instead of the channels of a pixel beside each other.
    /// <value>The default value is false.</value>
    /// </summary>
    public bool ChannelsFirst { get; init; }

    /// <summary>Bytes of a sample.</summary>
    internal int SampleBytes => Samples switch { RawSamples.UInt8 => 1, RawSamples.UInt16 => 2, RawSamples.Float32 => 4, _ => 8 };

    /// <summary>Type in which the bits of a sample can be copied.</summary>
    internal ScalarType BitsType => Samples switch
    {
        RawSamples.UInt8 => ScalarType.Byte,
        RawSamples.UInt16 => ScalarType.Int16,
        RawSamples.Float32 => ScalarType.Float32,
        _ => ScalarType.Float64,
    };

    /// <exception cref="ImageFormatException">The file is shorter than the layout, or the layout is empty.</exception>
    internal void Check(string path, long length)
    {
        var bytes = Offset + ((double)Height * Width * Channels * SampleBytes);
        if (Height < 1 || Width < 1 || Channels < 1 || Offset < 0)
            throw new ImageFormatException(path, $"an array of {Height} x {Width} pixels (height x width) with {Channels} channel(s) from byte {Offset} is no image; give numbers of at least 1, and from byte 0 on.");
        if (bytes > length)
            throw new ImageFormatException(path, $"an array of {Height} x {Width} pixels (height x width) with {Channels} channel(s) needs {bytes:0} bytes, but the file is cut short at {length}; write it again, or check the numbers.");
    }
}

/// <summary>Types of samples in a bare file.</summary>
public enum RawSamples
{
    /// <summary>Bytes, 0 to 255.</summary>
    UInt8,

    /// <summary>16 bits, 0 to 65535.</summary>
    UInt16,

    /// <summary>32-bit floating point.</summary>
    Float32,

    /// <summary>64-bit floating point; windows are of 32 bits.</summary>
    Float64,
}
