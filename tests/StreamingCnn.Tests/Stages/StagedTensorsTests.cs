using StreamingCnn.Tests.Surface;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>A run in stages leaves no tensor behind, whatever becomes of it.</summary>
public sealed class StagedTensorsTests
{
    private const int Size = 50;

    [Fact]
    public void A_step_leaves_nothing_behind() => LeavesNothing((streaming, image) =>
    {
        streaming.forward(image).sum().backward();
        using (no_grad())
            streaming.forward(image);
    });

    [Fact]
    public void A_step_that_is_never_reversed_leaves_nothing_behind() => LeavesNothing((streaming, image) => streaming.forward(image));

    [Theory]
    [InlineData(3)]
    [InlineData(14)]
    [InlineData(27)]
    [InlineData(40)]
    public void A_source_that_fails_leaves_nothing_behind(int reads) => LeavesNothing((streaming, image) =>
    {
        using var source = new MemorySource(image) { ReadsUntilFailure = reads };
        Assert.Contains("unplugged", Assert.ThrowsAny<Exception>(() => streaming.forward(source).sum().backward()).Message);
    });

    /// <summary>It reads the image in its first and in its last stage, forwards and backwards.</summary>
    private static void LeavesNothing(Action<StreamingModule, Tensor> step)
    {
        var (conv, norm, deep, last) = (Conv2d(2, 3, 3, padding: 1), BatchNorm2d(3), Conv2d(3, 3, 3, padding: 1), BatchNorm2d(3));
        var excite = Sequential(Flatten(), Linear(3, 3));
        using var network = new Described(Trace, conv, norm, deep, last, excite);
        using var streaming = new StreamingModule(network, new() { Tile = (16, 16) });
        using var image = rand(1, 2, Size, Size);
        Once();
        var before = LivingTensors.Count();

        for (var i = 0; i < 3; i++)
            Once();

        Assert.Equal(before, LivingTensors.Count());

        void Once()
        {
            network.zero_grad();
            using (NewDisposeScope())
                step(streaming, image);
            Execution.StreamingFunction.Release();
        }

        FeatureMap Trace(FeatureMap input)
        {
            var first = input.Through(conv).Through(norm).Through(ReLU());
            var second = (first + first.Through(deep)).Through(last);
            return FeatureMap.Concat(second.Gate(second.Pooled(AdaptiveAvgPool2d(1)).Through(excite)), input);
        }
    }
}
