using StreamingCnn.Interop;
using StreamingCnn.Reductions;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>A random use of a global quantity: a map that is made of others and of small tensors.</summary>
/// <param name="Feature">What it is an instance of.</param>
/// <param name="Inputs">The maps that it reads; the first one gives the size.</param>
/// <param name="Channels">Channels of the map that it makes.</param>
/// <param name="Apply">Makes it.</param>
/// <param name="Modules">The modules that it uses.</param>
internal sealed record DrawnQuantity(
    string Feature, int[] Inputs, long Channels, Func<FeatureMap[], FeatureMap> Apply, params Module<Tensor, Tensor>[] Modules);

/// <summary>Draws global quantities for random networks. What is drawn later uses small tensors that were made earlier, too.</summary>
/// <param name="random">Where the numbers come from.</param>
internal sealed class RandomQuantities(Random random)
{
    // The small tensors of the trace at hand, [N, C] of different C.
    private readonly List<GlobalTensor> known = [];

    /// <summary>Whether a module is a norm that may take the statistics of the batch.</summary>
    public static bool IsNorm(Module module) => module is BatchNorm2d;

    /// <summary>A trace begins.</summary>
    public void Begin() => known.Clear();

    /// <summary>Draws a quantity that is applied to a map.</summary>
    /// <param name="maps">All maps so far, of any values.</param>
    /// <param name="from">The map.</param>
    public DrawnQuantity Draw(List<Tensor> maps, int from)
    {
        var (c, any) = (maps[from].shape[1], random.Next(maps.Count));
        // Of one position, and of few, variances are nothing but rounding.
        var isNormal = maps[from].shape[2] * maps[from].shape[3] >= 6;
        switch (random.Next(16))
        {
            case <= 2 when isNormal:
                return BatchNorm(c, from);
            case 0 or 1 or 3:
                var excite = Sequential(Flatten(), Linear(c, 2), ReLU(inplace: true), Linear(2, c));
                return new("gate", [from], c, m => m[0].Gate(Know(m[0].Pooled(AdaptiveAvgPool2d(1)).Through(excite))), excite);
            case 4:
                return new("response norm", [from], c, m => m[0].Scale(Know(Mean(m[0] * m[0]).Apply(Response))) + m[0]);
            case 5 when isNormal:
                return new("instance norm", [from], c, InstanceNorm);
            case 6:
                return Weighted(maps, from);
            case 7:
                var count = 1 + random.Next(3);
                var linear = Linear(maps[any].shape[1], count);
                return new(
                    "filled",
                    [from, any],
                    c + count,
                    m => FeatureMap.Concat(m[0], Varied(m[0], m[0].Filled(Know(Mean(m[1]).Through(linear)), count))),
                    linear);
            case 8:
                var which = random.Next(1000);
                return new("a small tensor used again", [from, any], c, m => m[0].Scale(Again(which, Mean(m[1]))));
            case 11 or 12:
                return Selected(maps, from);
            case 13 or 14:
                return Softmax(maps, from);
            case 9:
                var gain = new Gain(Parameter(rand(1, c, ScalarType.Float64).DetachFromDisposeScope()));
                return new(
                    "a function with a parameter", [from], c, m => m[0].Shift(Know(Mean(m[0]).Apply(gain.forward, gain.Value))), gain);
            case 10:
                return new("one small value for all channels", [from, any], c, m => m[0].Shift(All(Mean(m[1]))));
            default:
                Func<FeatureMap[], FeatureMap> twice = m =>
                    m[0].Shift(Know(Mean(m[0]))).Scale(Know(Spread(m[0]).Apply(t => t.Plus(1).reciprocal())));
                return new("two reductions of one map", [from], c, twice);
        }
    }

    /// <summary>
    /// A filled map that differs from position to position: a norm takes off what is the same everywhere, and leaves nothing but rounding
    /// of its gradient.
    /// </summary>
    private static FeatureMap Varied(FeatureMap map, FeatureMap filled)
    {
        var first = map.Slice(0, 1);
        return (filled + FeatureMap.Concat([.. Enumerable.Repeat(first, (int)filled.Channels)])).Through(Tanh());
    }

    private static GlobalTensor Mean(FeatureMap map) => Quotient(map.Reduce(new SumReduction()), 0, 1);

    private static GlobalTensor Spread(FeatureMap map) => Quotient(map.Reduce(new MomentsReduction()), 1, 2);

    private static GlobalTensor Quotient(IReadOnlyList<GlobalTensor> results, int first, int second) =>
        GlobalTensor.Combine(parts => parts[0] / parts[1], [results[first], results[second]]);

    private static Tensor Response(Tensor squares)
    {
        var lengths = squares.Plus(0.1).sqrt();
        return lengths / lengths.mean([1], keepdim: true);
    }

    private FeatureMap InstanceNorm(FeatureMap[] maps)
    {
        var moments = maps[0].Reduce(new MomentsReduction());
        var scale = GlobalTensor.Combine(parts => parts[1].div(parts[2]).Plus(0.01).rsqrt(), moments);
        return maps[0].Shift(Know(moments[0].Apply(mean => -mean))).Scale(Know(scale));
    }

    private DrawnQuantity BatchNorm(long c, int from)
    {
        var norm = BatchNorm2d(c, eps: 1e-2, affine: random.Next(4) > 0, track_running_stats: random.Next(4) > 0);
        norm.momentum = random.Next(3) == 0 ? null : 0.1 + (0.2 * random.Next(3));
        using (no_grad())
        {
            foreach (var parameter in norm.parameters())
                parameter.uniform_(0.4, 1.2);
        }

        // Used twice it has two sets of statistics, and the running ones follow both.
        return random.Next(4) == 0
            ? new("batch norm twice", [from], c, m => m[0].Through(norm).Through(norm), norm)
            : new("batch norm", [from], c, m => m[0].Through(norm), norm);
    }

    /// <summary>Weights are of one channel or of as many as the map, and may be the map's own.</summary>
    private DrawnQuantity Weighted(List<Tensor> maps, int from)
    {
        var shape = maps[from].shape;
        var mask = Fitting(maps, from);
        var isWide = maps[mask].shape[1] == shape[1] && random.Next(2) == 0;
        return random.Next(2) == 0
            ? new("weighted mean", [from, mask], shape[1], m => m[0].Shift(
                Know(Quotient(m[0].Reduce(new SumReduction(weighted: true), Weights(m[1])), 0, 1))))
            : new("weighted moments", [from, mask], shape[1], m => m[0].Scale(
                Know(Quotient(m[0].Reduce(new MomentsReduction(weighted: true), Weights(m[1])), 1, 2).Apply(t => t.Plus(1).reciprocal()))));

        FeatureMap Weights(FeatureMap map) => (isWide ? map : map.Slice(0, 1)).Through(Sigmoid());
    }

    /// <summary>The largest values: one, several, or those of bins.</summary>
    private DrawnQuantity Selected(List<Tensor> maps, int from)
    {
        var (c, positions) = (maps[from].shape[1], maps[from].shape[2] * maps[from].shape[3]);
        var k = 1 + random.Next((int)Math.Min(positions, 5));
        var (rows, columns) = (1 + random.Next(3), 1 + random.Next(3));
        return random.Next(4) switch
        {
            0 => New("largest", new MaxReduction(), t => tanh(t)),
            1 => New("top k", new TopKReduction(k), t => tanh(t).mean([2])),
            2 => New("means of bins", new BinsReduction(rows, columns, BinValue.Average), t => tanh(t).mean([2, 3])),
            _ => New("largest of bins", new BinsReduction(rows, columns, BinValue.Max), t => tanh(t).mean([2, 3])),
        };

        DrawnQuantity New(string feature, MapReduction reduction, Func<Tensor, Tensor> function) =>
            new(feature, [from], c, m => m[0].Shift(Know(m[0].Reduce(reduction)[0].Apply(function))));
    }

    /// <summary>Scores are a map's first channel, which may be the map's own.</summary>
    private DrawnQuantity Softmax(List<Tensor> maps, int from)
    {
        var scores = Fitting(maps, from);
        return random.Next(2) == 0
            ? new("softmax-weighted mean", [from, scores], maps[from].shape[1], m => m[0].Shift(
                Know(m[0].Reduce(new SoftmaxSumReduction(), m[1].Slice(0, 1).Through(Tanh()))[0])))
            : new("log-sum-exp", [from], maps[from].shape[1], m => m[0].Scale(
                Know(m[0].Through(Tanh()).Reduce(new LogSumExpReduction())[0].Apply(t => t.abs().Plus(1).reciprocal()))));
    }

    /// <summary>Any map of the same size.</summary>
    private int Fitting(List<Tensor> maps, int from)
    {
        var shape = maps[from].shape;
        var fitting = Enumerable.Range(0, maps.Count)
            .Where(map => maps[map].shape[2] == shape[2] && maps[map].shape[3] == shape[3]).ToArray();
        return fitting[random.Next(fitting.Length)];
    }

    private GlobalTensor Know(GlobalTensor small)
    {
        known.Add(small);
        return small;
    }

    private GlobalTensor Again(int which, GlobalTensor other) => GlobalTensor.Combine(
        parts => tanh(parts.Select(part => part.mean([1], keepdim: true)).Aggregate((one, next) => one.Plus(next))).Plus(1.5),
        known.Count > 0 ? [known[which % known.Count], other] : [other]);

    private static GlobalTensor All(GlobalTensor small) => small.Apply(t => t.mean([1], keepdim: true));

    /// <summary>A function with a parameter.</summary>
    private sealed class Gain : Module<Tensor, Tensor>
    {
        public Gain(Parameter gain)
            : base(nameof(Gain)) => register_parameter("gain", gain);

        // Moved to another device, it is another one.
        public Parameter Value => (Parameter)get_parameter("gain")!;

        public override Tensor forward(Tensor input) => tanh(input) * Value;
    }
}
