using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Graph;

/// <summary>Tries a layer on two small maps that its integers accept; <see cref="MapTrial"/> is one of them.</summary>
internal static class LayerTrial
{
    // The smallest lengths that the layer accepts, one list for each axis, so that sizes are of different kinds.
    private static readonly long[] Lengths = [16, 24, 32, 48, 64, 96, 128, 256, 512, 1024];
    private static readonly long[] OddLengths = [13, 19, 31, 47, 63, 95, 127, 255, 511, 1023];

    // PyTorch's own layers refuse some small maps that their integers accept; a layer that goes on refusing is not tried for ever.
    private const int MostFailures = 6;

    // Where outputs are few there is little to see.
    private const long FewOutputs = 4;

    /// <summary>Tries a layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="channels">Channels that it gets.</param>
    /// <param name="type">Type of the computation.</param>
    /// <param name="device">Device of the computation.</param>
    /// <param name="format">Format of the maps.</param>
    /// <returns>What is wrong with it, as the end of a sentence that begins with its name, or null.</returns>
    public static string? Of(LocalLayer layer, long channels, ScalarType type, Device device, MapFormat format)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var generator = new Generator(1);
        // A layer that draws random numbers, or counts batches, shall leave nothing behind.
        using var state = random.get_rng_state();
        var buffers = layer.Modules.SelectMany(module => module.buffers())
            .Select(buffer => (Buffer: buffer, Values: buffer.clone(), Version: TensorVersion.Of(buffer)))
            .ToArray();
        try
        {
            string? failure = null;
            var (tried, failed) = (0, 0);
            foreach (var size in Sizes(layer))
            {
                if (failed == MostFailures)
                    break;
                try
                {
                    if (new MapTrial(layer, channels, size, type, device, format, generator).Fault() is { } fault)
                        return fault;
                    if (++tried == 2)
                        return null;
                }
                catch (Exception thrown)
                {
                    failed++;
                    var words = thrown.Message.Split('\n')[0].TrimEnd('.');
                    failure ??= $"fails on a map of {size.Height} x {size.Width} positions, which its integers accept: {words}";
                }
            }

            return tried > 0
                ? null
                : failure ?? $"accepts no length up to {Lengths[^1]}, so that it cannot be tried; let Along accept a smaller map";
        }
        finally
        {
            random.set_rng_state(state);
            foreach (var (buffer, values, version) in buffers)
            {
                if (TensorVersion.Of(buffer) != version)
                    buffer.copy_(values);
            }
        }
    }

    private static IEnumerable<(long Height, long Width)> Sizes(LocalLayer layer)
    {
        var (evenRows, oddRows) = (Accepted(layer, Axis.Rows, Lengths), Accepted(layer, Axis.Rows, OddLengths));
        var (evenColumns, oddColumns) = (Accepted(layer, Axis.Columns, Lengths), Accepted(layer, Axis.Columns, OddLengths));
        for (var i = 0; i < Lengths.Length; i++)
        {
            var mixed = (At(evenRows, oddRows, i), At(oddColumns, evenColumns, i));
            foreach (var (height, width) in new[] { mixed, (At(oddRows, evenRows, i), At(evenColumns, oddColumns, i + 1)) })
            {
                if (height is { } some && width is { } other)
                    yield return (some, other);
            }
        }

        static long? At(long[] lengths, long[] others, int index) =>
            index < lengths.Length ? lengths[index] : index < others.Length ? others[index] : null;
    }

    /// <summary>Lengths that a layer accepts, those of several outputs first.</summary>
    private static long[] Accepted(LocalLayer layer, Axis axis, long[] lengths)
    {
        var accepted = lengths.Select(length => (Length: length, Outputs: Outputs(length))).Where(one => one.Outputs > 0);
        return [.. accepted.OrderBy(one => one.Outputs < FewOutputs).Select(one => one.Length)];

        long Outputs(long length)
        {
            try
            {
                return layer.Along(axis, length).OutputLength;
            }
            catch (GeometryException)
            {
                return 0;
            }
        }
    }
}
