using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using StreamingCnn.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Losses;

/// <summary>What PyTorch made of maps and targets is reproduced, whole and streamed.</summary>
public sealed class PyTorchLossTests
{
    private static readonly double[] Weights = [0.5, 2, 1.25];

    private static readonly Dictionary<string, Func<MapLoss>> Losses = new()
    {
        ["cross_entropy"] = () => new CrossEntropyMapLoss(Weights, 255),
        ["cross_entropy_sum"] = () => new CrossEntropyMapLoss(Weights, 255, nn.Reduction.Sum),
        ["binary_cross_entropy"] = () => new BinaryCrossEntropyMapLoss(Weights),
        ["l1"] = () => new L1MapLoss(),
        ["l2"] = () => new L2MapLoss(),
        ["huber"] = () => new HuberMapLoss(0.6),
        ["smooth_l1"] = () => new HuberMapLoss(0.6),
    };

    [Fact]
    public void Every_case_is_reproduced()
    {
        var reference = new ReferenceCase(Path.Combine(AppContext.BaseDirectory, "Losses", "PyTorch", "losses.json"));
        Assert.Equal(Losses.Keys.Order(), reference.Names.Select(name => name.Split('.')[0]).Distinct().Order());
        foreach (var (name, make) in Losses)
        {
            using var scope = NewDisposeScope();
            var (loss, output, target) = (make(), reference.Read($"{name}.output"), reference.Read($"{name}.target"));
            var share = name == "smooth_l1" ? 1 / 0.6 : 1;
            using var streaming = new StreamingNetwork(new Bare(loss), new() { Tile = (2, 3) });

            Check(leaf => loss.forward(leaf, target), "whole");
            Check(leaf => streaming.forward([leaf, target.Dimensions == 3 ? target.unsqueeze(1) : target])[0].reshape([]), "streamed");

            void Check(Func<Tensor, Tensor> forward, string how)
            {
                var leaf = output.detach().clone().requires_grad_();
                var value = forward(leaf) * share;
                value.backward();
                Assert.True(Compare.RelativeError(value.detach(), reference.Read($"{name}.loss")) < 1e-13, $"{name}, {how}");
                Assert.True(Compare.RelativeError(leaf.grad!, reference.Read($"{name}.grad")) < 1e-13, $"{name}, {how}: gradient");
            }
        }
    }

    private sealed class Bare(MapLoss loss) : MultiInputBlock(nameof(Bare), 2)
    {
        public override IReadOnlyList<NetworkValue> Trace(IReadOnlyList<FeatureMap> inputs) => [loss.Of(inputs[0], inputs[1])];
    }
}
