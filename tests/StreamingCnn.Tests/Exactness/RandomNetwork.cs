using System.Runtime.InteropServices;
using StreamingCnn.Geometry;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Interop;
using StreamingCnn.Models;
using StreamingCnn.Tests.Stages;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Exactness;

/// <summary>
/// A random network over all supported layers, with branches, merges and shared modules, grown from a seed for sources of given
/// sizes. Layers that do not fit the size are left out. As a block it reads one image; <see cref="RandomFusion"/> has it read
/// several sources. It may have global quantities too.
/// </summary>
internal sealed class RandomNetwork : StreamingBlock
{
    private const long LargestSide = 160;
    private const string Quantity = "quantity";
    private readonly List<Step> steps = [];
    private readonly int sources;
    private readonly Random random;
    private readonly RandomLayers layers;
    private readonly RandomQuantities? quantities;

    public RandomNetwork(int seed, int layers, long channels, long height, long width, bool looksAtWholeMaps = false)
        : this(seed, layers, [(channels, height, width)], looksAtWholeMaps)
    {
    }

    public RandomNetwork(
        int seed, int layers, IReadOnlyList<(long Channels, long Height, long Width)> sources, bool looksAtWholeMaps = false)
        : base(nameof(RandomNetwork))
    {
        random = new Random(seed);
        this.layers = new RandomLayers(random);
        quantities = looksAtWholeMaps ? new RandomQuantities(random) : null;
        manual_seed(seed);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        this.sources = sources.Count;
        var maps = sources.Select(source => zeros(1, source.Channels, source.Height, source.Width, dtype: ScalarType.Float64)).ToList();
        var ends = Enumerable.Range(0, maps.Count).ToList();
        for (var i = 0; i < layers; i++)
        {
            if (ends.Count > 1)
                GrowOrJoin(maps, ends);
            else
                Grow(maps, maps.Count - 1);
        }

        Ends = ends.Count > 1 ? ends : [maps.Count - 1];
        eval();
    }

    /// <summary>The maps at which the network ends: one where all sources were joined.</summary>
    public IReadOnlyList<int> Ends { get; }

    /// <summary>What the network is made of.</summary>
    public IEnumerable<string> Features => steps.SelectMany(step => step.Features);

    /// <summary>Lets the layers that draw random numbers draw them.</summary>
    public void TrainRandomLayers()
    {
        foreach (var module in modules()
            .Where(module => module is TorchSharp.Modules.Dropout or TorchSharp.Modules.Dropout2d or StochasticDepth))
            module.train();
    }

    /// <summary>Lets the norms take the statistics of the batch.</summary>
    public void TrainNorms()
    {
        // Not those among the layers: of a single value per channel there are no statistics.
        foreach (var (_, module) in named_children().Where(child => child.name.StartsWith(Quantity, StringComparison.Ordinal)))
        {
            if (RandomQuantities.IsNorm(module))
                module.train();
        }
    }

    public override FeatureMap Trace(FeatureMap input) => TraceAll(input)[^1];

    /// <summary>How many maps there are, sources among them.</summary>
    public int Maps => sources + steps.Count;

    /// <summary>All maps, the sources' among them.</summary>
    public IReadOnlyList<FeatureMap> TraceAll(params IReadOnlyList<FeatureMap> inputs)
    {
        var maps = inputs.ToList();
        quantities?.Begin();
        foreach (var step in steps)
            maps.Add(step.Apply([.. step.Inputs.Select(i => maps[i])]));
        return maps;
    }

    public override string ToString() => string.Join(
        " | ", steps.Select((s, i) => $"{i + sources}: {string.Join("; ", s.Features)} ({string.Join(",", s.Inputs)})"));

    /// <summary>Goes on from one of several ends, or joins two of them, perhaps after one was brought to the other's size.</summary>
    private void GrowOrJoin(List<Tensor> maps, List<int> ends)
    {
        var (first, second) = (ends[random.Next(ends.Count)], ends[random.Next(ends.Count)]);
        var from = first;
        if (first == second || random.Next(2) == 0)
        {
            var before = maps.Count;
            Grow(maps, first);
            if (maps.Count > before)
                ends[ends.IndexOf(first)] = maps.Count - 1;
            return;
        }

        var (height, width) = (maps[second].shape[2], maps[second].shape[3]);
        if (maps[first].shape[2] != height || maps[first].shape[3] != width)
        {
            var bilinear = random.Next(2) == 0;
            var resized = bilinear
                ? Upsample(size: [height, width], mode: UpsampleMode.Bilinear, align_corners: false)
                : Upsample(size: [height, width]);
            if (!AddModule(new(resized, bilinear ? "bilinear to a size" : "nearest to a size"), first, maps))
                return;
            from = maps.Count - 1;
        }

        if (!Join(maps, from, second))
            return;
        ends.RemoveAll(end => end == first || end == second);
        ends.Add(maps.Count - 1);
    }

    private bool Join(List<Tensor> maps, int a, int b)
    {
        var (own, other) = (maps[a].shape[1], maps[b].shape[1]);
        if (own == other && random.Next(2) == 0)
            return Add(["multiply"], [a, b], m => m[0] * m[1], maps, t => t[0] * t[1]);
        if (own == other && random.Next(2) == 0)
            return Add(["add"], [a, b], m => m[0] + m[1], maps, t => t[0].Plus(t[1]));
        return Add(["concatenate"], [a, b], m => FeatureMap.Concat(m[0], m[1]), maps, t => cat([t[0], t[1]], 1));
    }

    private void Grow(List<Tensor> maps, int last)
    {
        // Mostly on from the last map, now and then from an earlier one, so that branches of different depth arise.
        var from = random.Next(5) == 0 ? random.Next(maps.Count) : last;
        var input = maps[from];
        long channels = input.shape[1];
        if (quantities is not null && random.Next(3) == 0)
        {
            AddQuantity(quantities.Draw(maps, from), maps);
            return;
        }

        switch (random.Next(12))
        {
            case 0 or 1 when Partner(maps, from, sameChannels: true) is { } partner:
                if (random.Next(3) > 0)
                    Add(["add"], [from, partner], m => m[0] + m[1], maps, t => t[0].Plus(t[1]));
                else
                    Add(["multiply"], [from, partner], m => m[0] * m[1], maps, t => t[0] * t[1]);
                return;
            case 2 when Partner(maps, from, sameChannels: false) is { } partner && channels + maps[partner].shape[1] <= 12:
                Add(["concatenate"], [from, partner], m => FeatureMap.Concat(m[0], m[1]), maps, t => cat([t[0], t[1]], 1));
                return;
            case 3 when channels > 1:
                var start = random.Next((int)channels);
                var count = 1 + random.Next((int)channels - start);
                Add(["slice of channels"], [from], m => m[0].Slice(start, count), maps, t => t[0].narrow(1, start, count));
                return;
            case 4 when steps.LastOrDefault(s => s.Module is not null) is { Module: { } shared }:
                AddModule(new(shared, "module used twice"), from, maps);
                return;
            default:
                var drawn = layers.Draw(channels, input.shape[2], input.shape[3]);
                drawn.Module.to(ScalarType.Float64);
                AddModule(drawn, from, maps);
                return;
        }
    }

    private void AddQuantity(DrawnQuantity drawn, List<Tensor> maps)
    {
        foreach (var module in drawn.Modules)
            module.to(ScalarType.Float64);
        if (!Add([drawn.Feature], drawn.Inputs, drawn.Apply, maps, t => zeros([1, drawn.Channels, .. t[0].shape[2..]], ScalarType.Float64)))
            return;
        foreach (var (index, module) in drawn.Modules.Index())
            register_module($"{Quantity}{steps.Count}_{index}", module);
    }

    private int? Partner(List<Tensor> maps, int from, bool sameChannels)
    {
        var shape = maps[from].shape;
        var candidates = Enumerable.Range(0, maps.Count)
            .Where(
                i => i != from
                    && maps[i].shape[2] == shape[2]
                    && maps[i].shape[3] == shape[3]
                    && (!sameChannels || maps[i].shape[1] == shape[1]))
            .ToArray();
        return candidates.Length == 0 ? null : candidates[random.Next(candidates.Length)];
    }

    private bool AddModule(DrawnLayer layer, int from, List<Tensor> maps)
    {
        var module = layer.Module;
        module.eval();
        if (module is TorchSharp.Modules.MaxPool2d pooling && !Fits(pooling, maps[from]))
            return false;
        if (module is TorchSharp.Modules.Upsample { mode: UpsampleMode.Nearest } nearest && !IsRoundedAlike(nearest, maps[from]))
            return false;
        var isNew = steps.All(s => s.Module != module);
        var perPixel = module is TorchSharp.Modules.Linear or TorchSharp.Modules.LayerNorm;
        Tensor Compute(Tensor[] t) =>
            perPixel ? module.forward(t[0].permute(0, 2, 3, 1)).permute(0, 3, 1, 2) : module.forward(t[0].clone());
        if (!Add(layer.Features, [from], m => m[0].Through(module), maps, Compute, module))
            return false;
        if (isNew)
            register_module($"layer{steps.Count}", module);
        return true;
    }

    /// <summary>
    /// Which input an output of the nearest neighbour is taken from, PyTorch computes in single precision; in double precision where
    /// the type is float64 and the output large, but not in its gradient. Where the two differ, there is nothing to compare with.
    /// </summary>
    private static bool IsRoundedAlike(TorchSharp.Modules.Upsample nearest, Tensor input)
    {
        return nearest.size.Length == 0 || (Agree(input.shape[2], nearest.size[0]) && Agree(input.shape[3], nearest.size[^1]));

        static bool Agree(long length, long resized)
        {
            var map = new NearestResize(length, resized);
            for (long output = 0; output < resized; output++)
            {
                if (map.Source(output) != output * length / resized)
                    return false;
            }

            return true;
        }
    }

    /// <summary>PyTorch corrupts its memory for windows of padding alone, which the engine refuses.</summary>
    private static bool Fits(TorchSharp.Modules.MaxPool2d pooling, Tensor input)
    {
        try
        {
            var layer = new MaxPoolingLayer(pooling);
            layer.Along(Axis.Rows, input.shape[2]);
            layer.Along(Axis.Columns, input.shape[3]);
            return true;
        }
        catch (GeometryException)
        {
            return false;
        }
    }

    private bool Add(
        string[] features,
        int[] inputs,
        Func<FeatureMap[], FeatureMap> apply,
        List<Tensor> maps,
        Func<Tensor[], Tensor> shape,
        Module<Tensor, Tensor>? module = null)
    {
        Tensor output;
        try
        {
            output = shape([.. inputs.Select(i => maps[i])]);
        }
        catch (Exception unfit) when (unfit is ExternalException or ArgumentException)
        {
            return false;
        }

        if (output.shape[2] < 1
            || output.shape[3] < 1
            || output.shape[2] > LargestSide
            || output.shape[3] > LargestSide
            || output.shape[1] > 16)
            return false;
        maps.Add(output);
        steps.Add(new(features, inputs, apply, module));
        return true;
    }

    private sealed record Step(string[] Features, int[] Inputs, Func<FeatureMap[], FeatureMap> Apply, Module<Tensor, Tensor>? Module);
}
