using CsCheck;
using StreamingCnn.Geometry;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Graph;

/// <summary>
/// The integer functions of every layer against what PyTorch's layer really reads: one input position at a time is set, and the outputs
/// that notice it are those that read it.
/// </summary>
public class LayerReadsTests
{
    [Fact]
    public void The_integers_of_a_layer_tell_what_PyTorch_reads() => LayerCases.Any.Sample(Check, iter: 300, threads: 1);

    private static void Check(LayerCase c)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var module = c.Create().to(ScalarType.Float64);
        foreach (var (name, parameter) in module.named_parameters())
            parameter.fill_(name.EndsWith("bias", StringComparison.Ordinal) ? 0 : 1);
        var layer = LayerRegistry.Describe(module).Layer!;

        foreach (var (axis, length) in new[] { (Axis.Rows, c.Height), (Axis.Columns, c.Width) })
        {
            var map = layer.Along(axis, length);
            var reads = Reads(module, c.Channels, axis, length);
            Law.Holds(reads.Length == map.OutputLength, $"{c}, {axis}: {map.OutputLength} outputs, PyTorch gives {reads.Length}");
            Check(map, reads, $"{c}, {axis}", axis == Axis.Rows ? c.IsTight.Rows : c.IsTight.Columns);
        }
    }

    private static void Check(AxisMap map, Interval[] reads, string name, bool isTight)
    {
        // Every output below the virtual cut reads only inputs below the cut, and what is available can be computed.
        for (long cut = 0; cut <= map.InputLength; cut++)
        {
            for (long output = 0; output < Math.Min(map.OutputLength, map.VirtualCut(cut)); output++)
                Law.Holds(reads[output].End <= cut, $"{name}: output {output} is below V({cut}), but reads {reads[output]}");
            for (long output = 0; output < map.Available(cut); output++)
                Law.Holds(reads[output].End <= cut, $"{name}: output {output} is available at {cut}, but reads {reads[output]}");
        }

        for (long first = 0; first < map.OutputLength; first++)
        {
            // No output from here on reads before what is first needed.
            for (var output = first; output < map.OutputLength; output++)
                Law.Holds(
                    reads[output].IsEmpty || reads[output].Start >= map.FirstNeeded(first),
                    $"{name}: output {output} reads {reads[output]}, before {map.FirstNeeded(first)}");

            var hull = default(Interval);
            for (var end = first + 1; end <= Math.Min(first + 8, map.OutputLength); end++)
            {
                hull = hull.Hull(reads[end - 1]);
                var span = map.Span(first, end).Interval;
                Law.Holds(span.Contains(hull), $"{name}: [{first}, {end}) reads {hull}, not within {span}");
                if (isTight)
                    Law.Holds(hull.IsEmpty ? span.IsEmpty : span == hull, $"{name}: [{first}, {end}) reads {hull}, but asks for {span}");
            }
        }
    }

    /// <summary>The smallest interval that holds all inputs that each output reads.</summary>
    private static Interval[] Reads(Module<Tensor, Tensor> module, long channels, Axis axis, long length)
    {
        // The other axis is long enough for every layer here, and divisible by every factor.
        const long Other = 24;
        var dimension = axis == Axis.Rows ? 2 : 3;
        long[] shape = axis == Axis.Rows ? [length, channels, length, Other] : [length, channels, Other, length];
        var images = zeros(shape, ScalarType.Float64);
        for (long position = 0; position < length; position++)
            images.select(0, position).select(dimension - 1, position).fill_(1);

        // A bilinear weight of zero comes out as rounding.
        var noticed = module.forward(images).abs().amax([1, 5 - dimension]).gt(1e-9).to(ScalarType.Byte);
        var (positions, outputs) = (noticed.shape[0], noticed.shape[1]);
        var flags = noticed.data<byte>().ToArray();
        var reads = new Interval[outputs];
        for (long output = 0; output < outputs; output++)
        {
            for (long position = 0; position < positions; position++)
            {
                if (flags[(position * outputs) + output] != 0)
                    reads[output] = reads[output].Hull(new(position, position + 1));
            }
        }

        return reads;
    }
}
