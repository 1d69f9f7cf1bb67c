using BenchmarkDotNet.Attributes;
using StreamingCnn.Interop;

namespace StreamingCnn.Microbenchmarks;

/// <summary>Blocks taken and given back at random, as the engine's heap does for each tensor.</summary>
public class BlockMapBenchmarks
{
    private const int Steps = 10_000;
    private const long Size = 1L << 34;

    private long[] lengths = [];
    private int[] places = [];

    /// <summary>Blocks that are alive at a time, about.</summary>
    [Params(50, 500, 5000)]
    public int Alive { get; set; }

    /// <summary>Draws the steps.</summary>
    [GlobalSetup]
    public void Draw()
    {
        var random = new Random(1);
        lengths = [.. Enumerable.Range(0, Steps).Select(_ => random.NextInt64(1, Size / Alive / 4))];
        places = [.. Enumerable.Range(0, Steps).Select(_ => random.Next(Alive))];
    }

    /// <summary>Each step takes a block, and gives one back where enough are alive.</summary>
    [Benchmark(OperationsPerInvoke = Steps)]
    public long TakeAndGive()
    {
        var map = new BlockMap(Size);
        var blocks = new List<long>(Alive);
        for (var i = 0; i < Steps; i++)
        {
            var start = map.Take(lengths[i]);
            if (blocks.Count < Alive)
            {
                blocks.Add(start);
                continue;
            }

            map.Give(blocks[places[i]]);
            blocks[places[i]] = start;
        }

        return map.Reach;
    }
}
