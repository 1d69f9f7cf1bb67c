using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>Where the values of a float32 map lie in this process's memory.</summary>
internal readonly unsafe struct StridedMap
{
    private readonly float* start;
    private readonly long batchStride;

    public StridedMap(Tensor map)
    {
        // The storage may be that of a larger tensor. It is not disposed of, since its tensor would be.
        start = (float*)map.storage<float>().data_ptr() + map.storage_offset();
        var (shape, strides) = (map.shape, map.stride());
        (Batch, Channels) = ((int)shape[0], (int)shape[1]);
        (batchStride, ChannelStride, RowStride, ColumnStride) = (strides[0], strides[1], strides[2], strides[3]);
    }

    public int Batch { get; }

    public int Channels { get; }

    public long ChannelStride { get; }

    public long RowStride { get; }

    public long ColumnStride { get; }

    public float* At(long image, long row, long column) =>
        start + (image * batchStride) + (row * RowStride) + (column * ColumnStride);
}
