using BenchmarkDotNet.Attributes;
using StreamingCnn.Models;

namespace StreamingCnn.Microbenchmarks;

/// <summary>A plan for an image of a size that has not been planned for: what the first step on it waits for.</summary>
[MemoryDiagnoser]
public class PlannerBenchmarks : IDisposable
{
    private StreamingModule module = null!;
    private long height;

    /// <summary>A network of the catalog.</summary>
    [Params("small", "resnet34", "unet")]
    public string Network { get; set; } = "";

    /// <summary>Side of the image in pixels, about.</summary>
    [Params(8192)]
    public long Side { get; set; }

    /// <summary>Makes the network.</summary>
    [GlobalSetup]
    public void Make()
    {
        var trunk = ModelCatalog.DenseNames.Contains(Network) ? ModelCatalog.CreateDense(Network, 2, 3) : ModelCatalog.Create(Network, 3);
        trunk.eval();
        module = new StreamingModule(trunk, new StreamingOptions { MemoryBudget = 8L << 30 });
        height = Side;
    }

    /// <summary>Plans. What is planned is remembered for a size, so each image is a row higher.</summary>
    [Benchmark]
    public long Plan() => module.Plan(++height, Side).StepBytes;

    /// <summary>Lets go of the network.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        module.Dispose();
        GC.SuppressFinalize(this);
    }
}
