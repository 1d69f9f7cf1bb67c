using StreamingCnn.Graph;
using StreamingCnn.Interop;
using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Surface;

/// <summary>In which order maps lie in memory, and that nobody outside notices.</summary>
public class ChannelsLastTests
{
    [Theory]
    [InlineData(ScalarType.Float32, null, true)]
    [InlineData(ScalarType.Float32, false, false)]
    [InlineData(ScalarType.Float64, null, false)]
    [InlineData(ScalarType.Float64, true, true)]
    public void Maps_lie_as_the_type_is_computed_fastest_or_as_is_said(ScalarType type, bool? asked, bool expected)
    {
        LayerRegistry.Register<Witness>(layer => new PointwiseLayer(layer));
        using var scope = NewDisposeScope();
        using var witness = new Witness();
        using var trunk = Sequential(
            Conv2d(3, 8, 3, padding: 1), witness, Upsample(scale_factor: [2, 2]), Conv2d(8, 4, 3), witness, Softmax(1), witness).to(type);
        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 24), ChannelsLast = asked });

        streaming.forward(rand(1, 3, 40, 50, type)).sum().backward();

        Assert.NotEmpty(witness.Seen);
        Assert.All(witness.Seen, format => Assert.Equal(expected ? MapFormat.ChannelsLast : MapFormat.ChannelsFirst, format));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Outputs_and_gradients_lie_as_ever(bool channelsLast)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        using var trunk = new ResNetTrunk(18).to(ScalarType.Float64);
        trunk.eval();
        var image = rand(2, 3, 130, 101, ScalarType.Float64).requires_grad_(true);
        var whole = Run(trunk);
        using var streaming = new StreamingModule(trunk, new() { Tile = (48, 32), ChannelsLast = channelsLast, Carry = CarryPlace.File });
        var streamed = Run(streaming);

        foreach (var (found, expected) in streamed.Zip(whole))
        {
            Assert.Equal(expected.stride(), found.stride());
            Assert.InRange(Compare.RelativeError(found, expected), 0, 1e-11);
        }

        Tensor[] Run(Module<Tensor, Tensor> module)
        {
            trunk.zero_grad();
            image.grad = null;
            var output = module.forward(image);
            output.square().mean().backward();
            return [output.detach(), image.grad!.clone(), .. trunk.parameters().Select(parameter => parameter.grad!.clone())];
        }
    }

    [Fact]
    public void A_part_has_the_format_of_its_map_also_with_a_single_channel()
    {
        using var scope = NewDisposeScope();
        foreach (var format in Enum.GetValues<MapFormat>())
        {
            foreach (var channels in (long[])[1, 5])
            {
                var map = rand(2, channels, 6, 7);
                var copy = format.Copy(map);

                Assert.True(Compare.AreEqual(copy, map));
                Assert.Equal(format, copy.Format());
                Assert.Equal(format, copy.narrow(2, 1, 3).narrow(3, 2, 4).Format());
                Assert.Same(copy, format.Of(copy));
                Assert.True(copy.InMemoryOrder().is_contiguous());
                Assert.Equal(0, format.Zeros([2, channels, 6, 7], ScalarType.Float32, CPU).count_nonzero().item<long>());
            }
        }
    }

    /// <summary>Notes how what it is given lies in memory.</summary>
    private sealed class Witness() : Module<Tensor, Tensor>(nameof(Witness))
    {
        public HashSet<MapFormat> Seen { get; } = [];

        public override Tensor forward(Tensor input)
        {
            Seen.Add(input.Format());
            return input.relu();
        }
    }
}
