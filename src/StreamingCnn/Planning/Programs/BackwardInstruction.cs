using StreamingCnn.Geometry;

namespace StreamingCnn.Planning.Programs;

/// <summary>How a piece of gradient joins what has come before it.</summary>
internal enum Joining
{
    /// <summary>It is the first and covers the window: it becomes the sum.</summary>
    Adopt,

    /// <summary>It is added to a sum whose memory nothing else refers to.</summary>
    Add,

    /// <summary>The sum is added to it, since its memory is its own and the sum's is not.</summary>
    AddSum,

    /// <summary>It is added to a copy of the sum, since something else refers to the memory of either.</summary>
    AddToCopy,

    /// <summary>It is the first, and is added to zeros.</summary>
    AddToZeros,
}

/// <summary>Sends the part of a window's gradient that lies in other tiles' rectangles to their strips.</summary>
/// <param name="Node">The map.</param>
internal sealed record SendStrips(int Node) : BackwardInstruction;

/// <summary>The gradient of the tile's rectangle is a part of the window's.</summary>
/// <param name="Node">The map.</param>
/// <param name="Region">The rectangle.</param>
internal sealed record CutGradient(int Node, Region Region) : BackwardInstruction;

/// <summary>The gradient of the tile's rectangle begins with zeros.</summary>
/// <param name="Node">The map.</param>
/// <param name="Region">The rectangle.</param>
/// <param name="Inside">The part that the window's gradient is then added to; empty for none.</param>
internal sealed record ZeroGradient(int Node, Region Region, Region Inside) : BackwardInstruction;

/// <summary>The gradient of the tile's rectangle gets memory of its own, to be added to.</summary>
/// <param name="Node">The map.</param>
/// <param name="Region">The rectangle.</param>
internal sealed record CopyGradient(int Node, Region Region) : BackwardInstruction;

/// <summary>Adds the gradients that later tiles have sent to the rectangle's strips.</summary>
/// <param name="Node">The map.</param>
internal sealed record TakeStripGradients(int Node) : BackwardInstruction;

/// <summary>Adds a sink's gradient of a part of the rectangle.</summary>
/// <param name="Sink">Which of the network's outputs.</param>
/// <param name="Node">The map.</param>
/// <param name="Region">The part.</param>
/// <param name="IsFirst">Whether it becomes the rectangle's gradient.</param>
internal sealed record ReadSinkGradient(int Sink, int Node, Region Region, bool IsFirst) : BackwardInstruction;

/// <summary>Takes the gradient through a layer; its record is used up.</summary>
/// <param name="Node">The map.</param>
/// <param name="Read">What the layer read of each operand.</param>
/// <param name="Padded">Positions of the operand's copy with padding, whose gradient it gives a part of; 0 for none.</param>
/// <param name="IsFresh">Whether what it gives must be memory of its own, since it may be added to.</param>
internal sealed record Backpropagate(int Node, Region Read, long Padded, bool IsFresh) : BackwardInstruction;

/// <summary>Lets go of a layer's record, for which no gradient can come.</summary>
/// <param name="Node">The map.</param>
internal sealed record Discard(int Node) : BackwardInstruction;

/// <summary>Lets go of a map's gradient.</summary>
/// <param name="Node">The map.</param>
internal sealed record ReleaseGradient(int Node) : BackwardInstruction;

/// <summary>Joins what the last layer gave for an operand to the operand's gradient.</summary>
/// <param name="Node">The operand's map.</param>
/// <param name="Operand">Which operand of the layer.</param>
/// <param name="Part">What it is the gradient of, relative to the operand's cut.</param>
/// <param name="Window">The operand's window.</param>
/// <param name="Joining">How.</param>
internal sealed record AddGradient(int Node, int Operand, Region Part, Region Window, Joining Joining) : BackwardInstruction;

/// <summary>Hands what the last layer gave for an operand to a source.</summary>
/// <param name="Source">The source's node.</param>
/// <param name="Operand">Which operand of the layer.</param>
/// <param name="Part">What it is the gradient of.</param>
internal sealed record AddSourceGradient(int Source, int Operand, Region Part) : BackwardInstruction;

/// <summary>Adds the gradient of a stored source's window to the source's.</summary>
/// <param name="Source">The source's node.</param>
/// <param name="Window">The window.</param>
internal sealed record AddWindowGradient(int Source, Region Window) : BackwardInstruction;
