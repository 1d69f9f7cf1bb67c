using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Interop;

/// <summary>In which order the values of a map [N, C, h, w] lie in memory.</summary>
internal enum MapFormat
{
    /// <summary>Channel after channel, each row by row: PyTorch's default.</summary>
    ChannelsFirst,

    /// <summary>Position after position, with all channels of each.</summary>
    ChannelsLast,
}

/// <summary>
/// Tensors in either format. TorchSharp wraps none of PyTorch's functions for it, but libtorch goes by the strides alone, and its layers
/// mostly give what they are given.
/// </summary>
internal static class MapFormats
{
    /// <summary>
    /// What memory for maps holds on this thread before anything is written to it; null for whatever is there. Tests set it to no number,
    /// which shows wherever it is read.
    /// </summary>
    [ThreadStatic]
    internal static double? Unwritten;

    /// <summary>
    /// The faster format. The library's float32 convolutions for processors work on all channels of a position at once; maps in PyTorch's
    /// default format are rearranged for every one of them, and rearranged back. Pooling and interpolation are several times as fast, too.
    /// In float64 it is the other way round.
    /// </summary>
    public static MapFormat FasterFor(ScalarType type, Device device) =>
        device.type == DeviceType.CPU && type != ScalarType.Float64 ? MapFormat.ChannelsLast : MapFormat.ChannelsFirst;

    /// <summary>The format of a map or of a part of one.</summary>
    public static MapFormat Format(this Tensor map) => map.stride(1) == 1 ? MapFormat.ChannelsLast : MapFormat.ChannelsFirst;

    /// <summary>Memory for a map.</summary>
    public static Tensor Empty(this MapFormat format, ReadOnlySpan<long> shape, ScalarType type, Device device)
    {
        long channels = shape[1], height = shape[2], width = shape[3];
        var memory = format == MapFormat.ChannelsFirst
            ? empty(shape, type, device)
            : empty_strided(shape.ToArray(), [height * width * channels, 1, width * channels, channels], type, device);
        return Unwritten is { } value ? memory.Filled(value) : memory;
    }

    /// <summary>A map of zeros.</summary>
    public static Tensor Zeros(this MapFormat format, ReadOnlySpan<long> shape, ScalarType type, Device device) =>
        format.Empty(shape, type, device).zero_();

    /// <summary>
    /// The map in a format: itself where it has it, or where that is the default, which every layer takes as it comes. A map of one
    /// channel or of one position has both formats, and just has to say so, since the library goes by strides that nobody steps along.
    /// </summary>
    public static Tensor Of(this MapFormat format, Tensor map)
    {
        if (format == MapFormat.ChannelsFirst)
            return map;
        var (channels, batch, row) = (map.shape[1], map.stride(0), map.stride(2));
        if (channels == 1 && map.stride(3) == 1)
            return map.stride(1) == 1 ? map : map.as_strided(map.shape, [batch, 1, row, 1], map.storage_offset());
        if (map.shape[2] == 1 && map.shape[3] == 1 && map.stride(1) == 1 && map.stride(3) != channels)
            return map.as_strided(map.shape, [batch, 1, channels, channels], map.storage_offset());
        return map.Format() == format ? map : format.Copy(map);
    }

    /// <summary>A copy of a map, in a format.</summary>
    public static Tensor Copy(this MapFormat format, Tensor map) => format.Empty(map.shape, map.dtype, map.device).copy_(map);

    /// <summary>The view of a map whose dimensions come in the order in which its values lie in memory.</summary>
    public static Tensor InMemoryOrder(this Tensor map) => map.Format() == MapFormat.ChannelsLast ? map.permute(0, 2, 3, 1) : map.alias();
}
