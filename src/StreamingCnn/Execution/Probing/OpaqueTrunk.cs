using StreamingCnn.Graph;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Planning;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Execution.Probing;

/// <summary>A trunk that the engine cannot see into, with what probing it has found and as long as that holds.</summary>
/// <param name="module">The trunk.</param>
internal sealed class OpaqueTrunk(Module<Tensor, Tensor> module)
{
    // Threads that run one trunk find out once.
    private readonly Lock turn = new();
    private Finding? found;

    public Module<Tensor, Tensor> Module => module;

    /// <summary>
    /// How windows of an image are to be cut. The module is probed anew when the image is of another kind, and when a mode, a parameter or
    /// a buffer has changed, unless a trial shows that what was found holds on.
    /// </summary>
    /// <param name="image">The image.</param>
    /// <param name="gradients">Whether gradients are wanted.</param>
    /// <exception cref="UnsupportedLayerException">The module, or a layer in it, cannot be run on overlapping windows.</exception>
    public (WindowGeometry Rows, WindowGeometry Columns) Geometry(MapSource image, bool gradients)
    {
        RefuseLayers();
        lock (turn)
            return Found(image, gradients);
    }

    /// <summary>Has the module probed anew for the next image.</summary>
    public void Forget()
    {
        lock (turn)
            found = null;
    }

    private (WindowGeometry Rows, WindowGeometry Columns) Found(MapSource image, bool gradients)
    {
        // More than one image in a batch may be another path through the module; more than two are not.
        var kind = (Math.Min(image.Batch, 2), image.Channels, image.Type, image.Device.ToString());
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var probed = new ProbedModule(module, kind.Item1, image.Channels, image.Type, image.Device);
        if (found is null || !found.Fits(kind, image, gradients) || !StillHolds(found, probed))
        {
            found = null;
            var (rows, columns) = Probe(probed, image, gradients);
            found = new Finding(kind, rows, columns, gradients) { State = ParameterSnapshot.Of(module) };
        }

        return (found.Rows, found.Columns);
    }

    private bool StillHolds(Finding finding, ProbedModule probed)
    {
        if (finding.State.Change() is not { } change)
            return true;
        if (change.What != ParameterSnapshot.Tensors)
            return false;
        try
        {
            using (var untouched = new UntouchedModule(module))
            {
                new WindowTrials(probed, finding.Rows, finding.Columns, gradients: false).RunOne(finding.Trials++);
                untouched.Check();
            }

            finding.State = ParameterSnapshot.Of(module);
            return true;
        }
        catch (ProbeException)
        {
            return false;
        }
    }

    private (WindowGeometry Rows, WindowGeometry Columns) Probe(ProbedModule probed, MapSource image, bool gradients)
    {
        using var untouched = new UntouchedModule(module);
        try
        {
            var found = new LocalityProbe(probed, gradients).Find(image.Height, image.Width);
            untouched.Check();
            return found;
        }
        catch (ProbeException failure)
        {
            var cures = (failure.IsFinal ? "" : Sizes(probed, image, gradients)) + Suspect();
            throw new UnsupportedLayerException(
                "", module.GetType().Name, $"{Reason(untouched, failure)}{cures}; it cannot be run on overlapping tiles", failure);
        }
    }

    /// <summary>A module that changes itself cannot give the same twice: that is the reason then.</summary>
    private static string Reason(UntouchedModule untouched, ProbeException failure)
    {
        try
        {
            untouched.Check();
            return failure.Message;
        }
        catch (ProbeException changed)
        {
            return changed.Message;
        }
    }

    /// <summary>
    /// Of which sizes an image would have to be, where some would do: networks that pool and enlarge again often want multiples.
    /// </summary>
    private static string Sizes(ProbedModule probed, MapSource image, bool gradients)
    {
        try
        {
            var (rows, columns) = new LocalityProbe(probed, gradients).FindEven();
            return image.Height % rows.Period == 0 && image.Width % columns.Period == 0
                ? ""
                : $"; pad or crop the image of {image.Height} x {image.Width} pixels to multiples of {rows.Period} x {columns.Period}";
        }
        catch (ProbeException)
        {
            return "";
        }
    }

    /// <summary>A layer that is known to see the whole map, which may be why.</summary>
    private string Suspect() => module.named_modules()
        .Select(named => (named.name, named.module, Refusal: LayerRegistry.GlobalRefusal(named.module)))
        .Where(named => named.Refusal is not null)
        .Select(named => $"; layer '{named.name}' ({named.module.GetType().Name}) {named.Refusal}")
        .FirstOrDefault("");

    /// <summary>
    /// Layers that would make tiles differ from the whole image, or one pass from the next, or would be changed by every tile.
    /// </summary>
    private void RefuseLayers()
    {
        var layers = module.named_modules().Append(("", module)).ToArray();
        ForwardHooks.Refuse(layers);
        foreach (var (path, layer) in layers)
        {
            var name = layer.GetType().Name;
            if (layer is BatchNorm2d { training: true })
            {
                throw new UnsupportedLayerException(
                    path, name, "is in training mode inside a module that the engine cannot see into; call eval() on it");
            }

            if (layer is BatchNorm2d norm && BatchNormOfMaps.IsGlobal(norm, isFrozen: false))
            {
                throw new UnsupportedLayerException(
                    path,
                    name,
                    "keeps no running statistics inside a module that the engine cannot see into; derive the module from StreamingBlock");
            }

            if (layer is NormBase { training: true, track_running_stats: true })
            {
                throw new UnsupportedLayerException(
                    path,
                    name,
                    "is in training mode, where it normalises over the whole map and changes its running statistics; "
                    + "call eval() on it");
            }

            if (LayerRegistry.IsRandom(layer))
            {
                throw new UnsupportedLayerException(
                    path,
                    name,
                    "draws random numbers inside a module that the engine cannot see into; "
                    + "call eval() on it, or derive the module from StreamingBlock");
            }
        }
    }

    private sealed record Finding((long, long, ScalarType, string) Kind, WindowGeometry Rows, WindowGeometry Columns, bool Gradients)
    {
        public required ParameterSnapshot State { get; set; }

        public int Trials { get; set; }

        public bool Fits((long, long, ScalarType, string) kind, MapSource image, bool gradients) =>
            Kind == kind && Rows.Fits(image.Height) && Columns.Fits(image.Width) && (Gradients || !gradients);
    }
}
