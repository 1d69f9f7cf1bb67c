using System.Diagnostics;
using StreamingCnn.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Surface;

/// <summary>Where the time of a step goes.</summary>
public class StepProfileTests
{
    [Fact]
    public void The_parts_add_up_to_the_step_and_convolutions_are_most_of_it()
    {
        using var trunk = new ResNetTrunk(18);
        trunk.eval();
        var profile = new StepProfile();
        using var streaming = new StreamingModule(trunk, new() { Tile = (128, 128), Profile = profile });
        using var image = rand(1, 3, 256, 300);
        Step(streaming, image);

        // The fastest of several: other processes may have stopped any one of them for a while, in whatever part it was.
        var steps = Enumerable.Range(0, 5).Select(_ =>
        {
            profile.Clear();
            var clock = Stopwatch.StartNew();
            Step(streaming, image);
            return (Whole: clock.Elapsed.TotalSeconds, Parts: Enum.GetValues<StepPart>().ToDictionary(part => part, profile.Seconds));
        }).ToArray();

        Assert.All(steps, step => Assert.True(step.Parts.Values.Sum() <= step.Whole));
        var (seconds, parts) = steps.MinBy(step => step.Whole);
        Assert.InRange(parts.Values.Sum(), 0.6 * seconds, seconds);
        Assert.All(parts, part => Assert.True(part.Value > 0, $"{part.Key} took no time."));
        Assert.True(parts[StepPart.Convolutions] + parts[StepPart.ConvolutionsBackward] > parts.Values.Sum() / 2);
    }

    [Fact]
    public void After_clearing_nothing_is_counted()
    {
        using var trunk = ModelCatalog.Create("small");
        var profile = new StepProfile();
        using var streaming = new StreamingModule(trunk, new() { Tile = (64, 64), Profile = profile });
        Step(streaming, rand(1, 3, 96, 96));

        profile.Clear();

        Assert.Equal(0, Enum.GetValues<StepPart>().Sum(profile.Seconds));
    }

    private static void Step(StreamingModule module, Tensor image) => module.forward(image).square().mean().backward();
}
