using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph;

/// <summary>A feature map of the network and the layer that makes it. Sources, such as the image, have no layer.</summary>
/// <param name="Index">Position in topological order.</param>
/// <param name="Layer">The layer; null for a source.</param>
/// <param name="Inputs">Indices of the maps that the layer reads, one for each operand.</param>
/// <param name="Channels">Number of channels.</param>
/// <param name="Path">The layer's path in the trunk, or its operation's name.</param>
internal sealed record GraphNode(int Index, LocalLayer? Layer, int[] Inputs, long Channels, string Path)
{
    /// <summary>Whether the map comes from outside.</summary>
    public bool IsSource => Layer is null;

    /// <summary>
    /// The map whose size this one has, of which the layer reads nothing else; -1 where its size follows from what it reads.
    /// </summary>
    public int SizeOf { get; init; } = -1;

    /// <summary>All maps that the layer asks for: those that it reads, and the one whose size it takes.</summary>
    public IEnumerable<int> Needs => SizeOf < 0 ? Inputs : Inputs.Append(SizeOf);

    /// <summary>
    /// Whether it is a source of the maps' own type that was computed before, of which any window can be had at any time: each tile takes
    /// one window, to which pointwise layers are applied.
    /// </summary>
    public bool IsStored { get; init; }

    /// <summary>
    /// What random layers draw by: the position in the network as it was traced, of which this graph may be a part.
    /// </summary>
    public int Key { get; init; } = Index;

    /// <summary>The module that the layer describes, where a user has taught the engine to.</summary>
    public Module? Taught { get; init; }

    public override string ToString() => $"{Index}: {Path} ({Layer?.Name ?? "source"}), {Channels} channels";
}
