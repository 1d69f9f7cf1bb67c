using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Interop;
using StreamingCnn.Planning.Programs;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// Runs programs backwards, with tensors. The gradient of the tile's own rectangles goes down through their layers; that of strips goes to
/// the values' home tiles, which come later in the reversed order and find it complete.
/// </summary>
/// <param name="run">What the tiles of a run share.</param>
internal sealed class TileBackward(RunContext run)
{
    private readonly MapWindow?[] gradients = new MapWindow?[run.Plan.Graph.Nodes.Count];
    private Tensor?[] parts = [];
    private Tensor? own;
    // Whether anything has come for the rectangle whose gradient is being put together.
    private bool hasCome;
    private (int Row, int Column) tile;
    private TileTape tape = null!;

    /// <summary>The tensors that are held at present.</summary>
    public IEnumerable<Tensor> Held
    {
        get
        {
            foreach (var gradient in gradients)
            {
                if (gradient is { } held)
                    yield return held.Tensor;
            }

            if (own is not null)
                yield return own;
            foreach (var part in parts)
            {
                if (part is not null)
                    yield return part;
            }
        }
    }

    /// <summary>Turns to a tile.</summary>
    /// <param name="place">The tile's row and column.</param>
    /// <param name="records">The tile's records, which are used up.</param>
    public void Begin((int Row, int Column) place, TileTape records) => (tile, tape) = (place, records);

    /// <summary>Does one thing. Tensors that it leaves in the caller's scope are not needed any more.</summary>
    public void Step(BackwardInstruction instruction)
    {
        switch (instruction)
        {
            case Backpropagate back:
                Backpropagate(back);
                return;
            case Discard discard:
                tape.Take(discard.Node)?.Dispose();
                return;
            case ReleaseGradient release:
                own?.Dispose();
                gradients[release.Node]?.Tensor.Dispose();
                (own, hasCome, gradients[release.Node]) = (null, false, null);
                return;
        }

        using var time = run.Settings.Profile.Measure(StepPart.Gradients);
        switch (instruction)
        {
            case SendStrips send:
                if (gradients[send.Node] is { } window)
                    With.Strips.Send(send.Node, tile, window.Region, window.Tensor);
                break;
            case CutGradient cut:
                if (gradients[cut.Node] is { } whole)
                    (own, hasCome) = (whole.Tensor.Part(whole.Region, Absolute(cut.Node, cut.Region)).DetachFromDisposeScope(), true);
                break;
            case ZeroGradient zero:
                Begin(zero);
                break;
            case CopyGradient copy:
                Copy(copy);
                break;
            case TakeStripGradients take:
                hasCome |= With.Strips.TakeInto(take.Node, tile, Sum(take.Node));
                break;
            case ReadSinkGradient read:
                Read(read);
                break;
            case AddGradient add:
                if (Take(add.Operand) is { } part)
                    Join(add, part);
                else if (add.Joining is Joining.AddSum or Joining.AddToCopy)
                    Own(add);
                break;
            case AddSourceGradient add:
                using (var last = Take(add.Operand))
                {
                    if (last is not null)
                        With.Sources.Add(add.Source, Absolute(add.Source, add.Part), last);
                }

                break;
            case AddWindowGradient add:
                if (gradients[add.Source] is { } ofWindow)
                {
                    With.Sources.Add(add.Source, ofWindow.Region, ofWindow.Tensor);
                    ofWindow.Tensor.Dispose();
                    gradients[add.Source] = null;
                }

                break;
            default:
                throw new InvalidOperationException($"A tile's way backwards has no {instruction.GetType().Name}.");
        }
    }

    private void Begin(ZeroGradient zero)
    {
        own = run.Zeros(zero.Node, Absolute(zero.Node, zero.Region)).DetachFromDisposeScope();
        if (zero.Inside.IsEmpty || gradients[zero.Node] is not { } window)
            return;
        var inside = Absolute(zero.Node, zero.Inside);
        own.Part(Rectangle(zero.Node), inside).Accumulate(window.Tensor.Part(window.Region, inside));
        hasCome = true;
    }

    private void Copy(CopyGradient copy)
    {
        var shared = own;
        own = (shared is null ? run.Zeros(copy.Node, copy.Region) : run.Settings.Format.Copy(shared)).DetachFromDisposeScope();
        shared?.Dispose();
    }

    private void Read(ReadSinkGradient read)
    {
        if (With.Outputs[read.Sink] is not { } gradient)
            return;
        hasCome = true;
        var region = Absolute(read.Node, read.Region);
        var part = run.Settings.Format.Of(gradient.Read(region).to(run.Settings.MapType));
        if (read.IsFirst)
            own = part.DetachFromDisposeScope();
        else
            Sum(read.Node).Part(Rectangle(read.Node), region).Accumulate(part);
    }

    /// <summary>
    /// The gradient of the tile's rectangle, to be added to: zeros where the program counts on a window's gradient that has not come.
    /// </summary>
    private Tensor Sum(int node) => own ??= run.Zeros(node, Rectangle(node)).DetachFromDisposeScope();

    private void Backpropagate(Backpropagate back)
    {
        using var record = tape.Take(back.Node);
        var gradient = own ?? gradients[back.Node]?.Tensor;
        var isView = run.Plan.Roles.IsView(back.Node);
        if (record is null || gradient is null || !(isView || hasCome))
        {
            parts = new Tensor?[Node(back.Node).Inputs.Length];
            return;
        }

        using var time = run.Settings.Profile.Measure(StepParts.Backward(Node(back.Node).Layer!));
        parts = [.. record.Backward(gradient, With.Parameters).Select(part => part is { } given ? Lasting(given, back.IsFresh) : null)];
        // Of padding alone there is nothing to hand on.
        for (var operand = 0; operand < parts.Length && back.Read.IsEmpty; operand++)
            Take(operand)?.Dispose();
    }

    /// <summary>The gradient in the maps' format, in no scope; in memory of its own where the program counts on it.</summary>
    private Tensor Lasting(LayerGradient gradient, bool isFresh)
    {
        var tensor = run.Settings.Format.Of(gradient.Tensor);
        if (isFresh && !gradient.IsExclusive)
            tensor = run.Settings.Format.Copy(tensor);
        if (!ReferenceEquals(tensor, gradient.Tensor))
            gradient.Tensor.Dispose();
        return tensor.DetachFromDisposeScope();
    }

    private Tensor? Take(int operand)
    {
        var part = parts[operand];
        parts[operand] = null;
        return part;
    }

    private void Join(AddGradient add, Tensor part)
    {
        var window = Absolute(add.Node, add.Window);
        ref var sum = ref gradients[add.Node];
        switch (add.Joining)
        {
            case Joining.Adopt:
                sum = new(part, window);
                return;
            case Joining.AddSum when sum is { } before:
                part.Accumulate(before.Tensor);
                before.Tensor.Dispose();
                sum = new(part, window);
                return;
            case Joining.AddToCopy:
                Own(add);
                break;
        }

        // Of what the program expects something may not have come: an output without a gradient.
        sum ??= new(run.Zeros(add.Node, window).DetachFromDisposeScope(), window);
        sum.Value.Tensor.Part(window, Absolute(add.Node, add.Part)).Accumulate(part);
        part.Dispose();
    }

    /// <summary>
    /// Gives a sum memory of its own, to which what comes next is added in place: others may refer to what it had, whether the piece that
    /// the program expects has come or not.
    /// </summary>
    private void Own(AddGradient add)
    {
        if (gradients[add.Node] is not { } shared)
            return;
        gradients[add.Node] = new(run.Settings.Format.Copy(shared.Tensor).DetachFromDisposeScope(), Absolute(add.Node, add.Window));
        shared.Tensor.Dispose();
    }

    private RunContext.Gradients With => run.Backward!;

    private Region Absolute(int node, Region region) =>
        region.IsEmpty ? default : run.Plan.Origin(node, tile.Row, tile.Column).Absolute(region);

    private Region Rectangle(int node) => run.Plan.Computed(node, tile.Row, tile.Column);

    private GraphNode Node(int node) => run.Plan.Graph.Nodes[node];

    /// <summary>Lets go of everything.</summary>
    public void Release()
    {
        foreach (var gradient in gradients)
            gradient?.Tensor.Dispose();
        Array.Clear(gradients);
        foreach (var part in parts)
            part?.Dispose();
        own?.Dispose();
        (own, hasCome, parts) = (null, false, []);
    }
}
