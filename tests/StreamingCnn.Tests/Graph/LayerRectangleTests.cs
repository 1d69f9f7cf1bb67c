using CsCheck;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Graph;

/// <summary>A layer computes any rectangle of its output from nothing but the rectangle of inputs that its integers ask for.</summary>
public class LayerRectangleTests
{
    [Fact]
    public void Any_rectangle_equals_that_of_the_whole_map() => Gen.Select(LayerCases.Any, Gen.Int[0, 1_000_000]).Sample(
        (c, seed) =>
        {
            using var scope = NewDisposeScope();
            using var grad = no_grad();
            manual_seed(seed);
            using var module = c.Create().to(ScalarType.Float64);
            var layer = LayerRegistry.Describe(module).Layer!;
            var image = randn(2, c.Channels, c.Height, c.Width, dtype: ScalarType.Float64);
            var whole = layer.Whole([image]);
            var random = new Random(seed);
            for (var i = 0; i < 4; i++)
            {
                var patch = new Patch(RandomPatch(layer, Axis.Rows, c.Height, random), RandomPatch(layer, Axis.Columns, c.Width, random));
                var actual = layer.Compute([Part(image, patch.Input)], patch);
                var error = Compare.RelativeError(actual, Part(whole, patch.Output), floor: 1);
                Assert.True(error < 1e-12, $"{c}: {patch.Output} from {patch.Input} differs by {error:e1}");
            }
        },
        iter: 400,
        threads: 1);

    private static AxisPatch RandomPatch(LocalLayer layer, Axis axis, long length, Random random)
    {
        var map = layer.Along(axis, length);
        var first = random.NextInt64(map.OutputLength);
        return AxisPatch.Of(map, new(first, first + 1 + random.NextInt64(map.OutputLength - first)));
    }

    private static Tensor Part(Tensor map, Region region) =>
        map.narrow(2, region.Rows.Start, region.Rows.Length).narrow(3, region.Columns.Start, region.Columns.Length);
}
