using StreamingCnn.Training.Heads;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Tests.Heads;

/// <summary>The trunk's output is nowhere in a step of a model, forwards or backwards.</summary>
[Collection(nameof(Alone))]
public class OutputMapTests
{
    private const long Side = 768;
    private const long Channels = 48;
    private const long MapBytes = Channels * Side * Side * sizeof(float);

    [Theory]
    [InlineData(HeadPooling.Average)]
    [InlineData(HeadPooling.Attention)]
    public void A_step_has_no_room_for_it(HeadPooling pooling)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads the resident memory of the process from Linux.");
        using var scope = NewDisposeScope();
        var watch = new ResidentMemory();
        using var model = new StreamingClassifier(
            Conv2d(1, Channels, 1), 2, new() { Tile = (64, 64), Progress = watch }, pooling, channels: Channels);
        Step(128);
        watch.Start();

        Step(Side);

        // The map alone is 108 MiB, as is its gradient.
        Assert.InRange(watch.Growth, 0, MapBytes / 2);
        Assert.InRange(model.Plan(Side, Side).StepBytes, 0, MapBytes / 2);

        void Step(long side)
        {
            using var image = rand(1, 1, side, side);
            model.forward(image).square().sum().backward();
        }
    }

    /// <summary>Looks at every tile.</summary>
    private sealed class ResidentMemory : IProgress<TileProgress>
    {
        private long before;

        public long Growth { get; private set; }

        public void Start() => (before, Growth) = (Now(), 0);

        public void Report(TileProgress value) => Growth = Math.Max(Growth, Now() - before);

        private static long Now() => long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1]) * Environment.SystemPageSize;
    }
}
