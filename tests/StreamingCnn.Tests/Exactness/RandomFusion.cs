namespace StreamingCnn.Tests.Exactness;

/// <summary>
/// A random network that reads several sources of different sizes and has several outputs: its ends, and some maps besides, which may be
/// sources or stand twice.
/// </summary>
internal sealed class RandomFusion : MultiInputBlock
{
    private readonly RandomNetwork network;
    private readonly int[] outputs;

    public RandomFusion(RandomNetwork network, int seed, int sources)
        : base(nameof(RandomFusion), sources)
    {
        this.network = network;
        var random = new Random(seed + 1);
        outputs = [.. network.Ends, .. Enumerable.Range(0, random.Next(3)).Select(_ => random.Next(network.Maps))];
        RegisterComponents();
        eval();
    }

    public override IReadOnlyList<FeatureMap> Trace(IReadOnlyList<FeatureMap> inputs)
    {
        var maps = network.TraceAll(inputs);
        return [.. outputs.Select(output => maps[output])];
    }

    public override string ToString() => $"{network}; outputs {string.Join(",", outputs)}";
}
