using StreamingCnn.Distributed;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>How sources are run through a network.</summary>
internal sealed record RunSettings
{
    /// <summary>Type of the maps between the layers; sources and outputs have the computation's.</summary>
    public required ScalarType MapType { get; init; }

    /// <summary>In which order the maps' values lie in memory.</summary>
    public MapFormat Format { get; init; }

    /// <summary>Whether a backward pass may follow; without one, only what is still read is kept.</summary>
    public bool WillReverse { get; init; }

    /// <summary>
    /// Bytes of tensors that it has alive at most in the heap, besides what is there before it; 0 where that is not known.
    /// </summary>
    public long HeapBytes { get; init; }

    /// <summary>Seed of random layers.</summary>
    public long Seed { get; init; }

    /// <summary>Small tensors and reductions; null where the network has none.</summary>
    public IRunQuantities? Quantities { get; init; }

    /// <summary>Where what tiles leave for one another waits; null for the device that computes. It belongs to the run.</summary>
    public ISeamStore? Seams { get; init; }

    /// <summary>Where the gradients of it wait; null for the device that computes. It belongs to the run.</summary>
    public ISeamStore? SeamGradients { get; init; }

    /// <summary>The processes that share the tiles, where the plan is one's part; null where one process runs them all.</summary>
    public ICommunicator? Ranks { get; init; }

    /// <summary>The processes that run images of their own meanwhile, which batch norms look at as well; null for none.</summary>
    public ICommunicator? Peers { get; init; }

    /// <summary>Which positions of the outputs matter; null for all.</summary>
    public WantedOutputs? Wanted { get; init; }

    /// <summary>
    /// What each output is where no position matters; null where it goes no further there, none where all positions matter.
    /// </summary>
    public IReadOnlyList<double?> Elsewhere { get; init; } = [];

    /// <summary>Where time is counted; null for nowhere.</summary>
    public StepProfile? Profile { get; init; }

    /// <summary>Looks on while tiles run; null for nobody.</summary>
    public ITileObserver? Observer { get; init; }
}
