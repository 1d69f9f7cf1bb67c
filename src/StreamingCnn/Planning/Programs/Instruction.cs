using StreamingCnn.Geometry;

namespace StreamingCnn.Planning.Programs;

/// <summary>
/// One thing that a tile does. Regions are relative to the tile's own cut of the map that they lie in, so that all tiles of a kind have
/// the same instructions.
/// </summary>
internal abstract record Instruction;

/// <summary>One thing on a tile's way forwards, in the forward pass or when the tile is computed again.</summary>
internal abstract record ForwardInstruction : Instruction;

/// <summary>One thing on a tile's way backwards.</summary>
internal abstract record BackwardInstruction : Instruction;

/// <summary>Reads a rectangle of a source for the layer that is computed next.</summary>
/// <param name="Source">The source's node.</param>
/// <param name="Operand">Which operand of the layer it is.</param>
/// <param name="Region">The rectangle.</param>
internal sealed record ReadSource(int Source, int Operand, Region Region) : ForwardInstruction;

/// <summary>Reads all that the tile's layers read of a stored source, as its window.</summary>
/// <param name="Source">The source's node.</param>
/// <param name="Window">The window.</param>
internal sealed record ReadWindow(int Source, Region Window) : ForwardInstruction;

/// <summary>Computes the tile's rectangle of a map from the windows of the maps below it.</summary>
/// <param name="Node">The map.</param>
/// <param name="Output">The rectangle.</param>
/// <param name="Input">What is read of each operand, relative to the first one's cut; empty where only padding is.</param>
/// <param name="Padded">Positions of the operand's copy with padding; 0 where none is made.</param>
/// <param name="IsLaidOut">Whether the first operand lies in one piece with its padding already.</param>
/// <param name="Records">Whether the layer is recorded for the backward pass.</param>
internal sealed record Compute(int Node, Region Output, Region Input, long Padded, bool IsLaidOut, bool Records) : ForwardInstruction;

/// <summary>Records a layer for the backward pass without computing its rectangle, which nobody needs.</summary>
/// <param name="Node">The map.</param>
/// <param name="Output">The rectangle.</param>
/// <param name="Input">What is read of each operand, relative to the first one's cut; empty where only padding is.</param>
/// <param name="Padded">Positions of the operand's copy with padding; 0 where none is made.</param>
/// <param name="IsLaidOut">Whether the first operand lies in one piece with its padding already.</param>
internal sealed record RecordAlone(int Node, Region Output, Region Input, long Padded, bool IsLaidOut) : ForwardInstruction;

/// <summary>Applies a pointwise layer to the whole window of the map below.</summary>
/// <param name="Node">The map.</param>
/// <param name="Window">The window.</param>
/// <param name="Records">Whether the layer is recorded for the backward pass.</param>
internal sealed record Apply(int Node, Region Window, bool Records) : ForwardInstruction;

/// <summary>The same in place: the window of the map below becomes this map's.</summary>
/// <param name="Node">The map.</param>
/// <param name="Window">The window.</param>
/// <param name="Records">Whether the layer is recorded for the backward pass.</param>
internal sealed record Overwrite(int Node, Region Window, bool Records) : ForwardInstruction;

/// <summary>Leaves the rectangle's last rows and columns for the tiles that read them.</summary>
/// <param name="Node">The map.</param>
internal sealed record StoreStrips(int Node) : ForwardInstruction;

/// <summary>In the backward pass: no tile that is still to come reads strips that this one is the first to have read.</summary>
internal sealed record ForgetStrips : ForwardInstruction;

/// <summary>Hands a part of the rectangle to a sink.</summary>
/// <param name="Sink">Which of the network's outputs.</param>
/// <param name="Node">The map.</param>
/// <param name="Region">The part.</param>
internal sealed record WriteSink(int Sink, int Node, Region Region) : ForwardInstruction;

/// <summary>Takes a part of the rectangle, which holds all that is read, as the map's window. Nothing is copied.</summary>
/// <param name="Node">The map.</param>
/// <param name="Window">The part.</param>
internal sealed record CutWindow(int Node, Region Window) : ForwardInstruction;

/// <summary>Puts the map's window together from the tile's own rectangle and the strips of tiles before it.</summary>
/// <param name="Node">The map.</param>
/// <param name="Window">The window.</param>
/// <param name="Inside">What the tile's own rectangle gives of it; empty for nothing.</param>
/// <param name="LaidOut">What lies in one piece of memory: the window, and the zeros around the map that layers pad it with.</param>
internal sealed record GatherWindow(int Node, Region Window, Region Inside, Region LaidOut) : ForwardInstruction;

/// <summary>Lets go of a window that nothing reads any more.</summary>
/// <param name="Node">The map.</param>
internal sealed record ReleaseWindow(int Node) : ForwardInstruction;

/// <summary>Lets go of the rectangle that was computed last.</summary>
/// <param name="Node">The map.</param>
internal sealed record ReleaseRectangle(int Node) : ForwardInstruction;
