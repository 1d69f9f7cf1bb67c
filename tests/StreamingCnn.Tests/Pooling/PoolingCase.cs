using StreamingCnn.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Pooling;

/// <summary>A pooling, and its formula on the valid positions of one image.</summary>
/// <param name="Module">The pooling.</param>
/// <param name="Of">What it makes of values, scores and a mask, with four channels of values and of scores.</param>
/// <param name="Formula">The same of the valid positions' values [n, 4] and scores [n, 4]: one number for each channel.</param>
/// <param name="None">Where no position is valid; null where that is refused.</param>
internal sealed record PoolingCase(
    Module Module, Func<FeatureMap, FeatureMap, FeatureMap?, GlobalTensor> Of, Func<Tensor, Tensor, Tensor> Formula, double? None = 0)
{
    private static readonly double SmallRoot = Math.Pow(1e-6, 1 / 4.0);

    private static readonly Dictionary<string, Func<PoolingCase>> Cases = new()
    {
        ["Sum"] = () => One(new SumPooling(), x => x.sum([0])),
        ["Mean"] = () => One(new MeanPooling(), x => x.mean([0])),
        ["Max"] = () => One(new MaxPooling(), x => x.amax([0])),
        ["TopK"] = () => One(new TopKPooling(3), x => x.topk((int)Math.Min(3, x.shape[0]), 0).values.mean([0])),
        ["Variance"] = () => One(new VariancePooling(), x => (x - x.mean([0])).square().mean([0])),
        ["Variance of softmax"] = () => One(
            new VariancePooling(ofSoftmax: true), x => (x.softmax(0) - x.softmax(0).mean([0])).square().mean([0])),
        ["GeM"] = () => One(new GeMPooling(), x => Root(x.clamp_min(1e-6).pow(4).mean([0]), 4)).OrNone(SmallRoot),
        ["GeM as published"] = () =>
            One(new GeMPooling(3, boundsMean: false), x => x.clamp_min(1e-6).pow(3).mean([0]).pow(1 / 3.0)).OrNone(1e-6),
        ["GeM with a trained exponent"] = () => Trained(new GeMPooling(isTrained: true), module =>
            x => x.clamp_min(1e-6).pow(module.get_parameter("p")!).mean([0])
                .clamp_min(1e-6).pow(1 / module.get_parameter("p")!)).OrNone(SmallRoot),
        ["Log-sum-exp"] = () => One(new LogSumExpPooling(), x => ((x * 5).logsumexp(0) - Math.Log(x.shape[0])) / 5),
        ["Gated attention"] = () => Trained(new GatedAttentionPooling(4, 3), module => x => (Gated(module, x).softmax(0) * x).sum([0])),
        ["Size focal"] = () => One(new SizeFocalPooling(), x => (1 - x.mean([0])).pow(3) * (0.01 + x.mean([0])).log()),
        ["Weak label"] = () => One(new WeakLabelPooling(), x => x.sigmoid().pow(4).mean([0]).pow(0.25).logit()).OrNone(null),
        ["Logit attention"] = () => Trained(
            new LogitAttention(0.7, isTrained: true), module => x => ((x / Temperature(module)).softmax(0) * x).sum([0])),
        ["Logit attention, detached"] = () => One(new LogitAttention(detached: true), x => (x.softmax(0).detach() * x).sum([0])),
        ["Sigmoid attention"] = () => Trained(
            new SigmoidAttention(0.2, isTrained: true), module => x => ((x.sigmoid() / Temperature(module)).softmax(0) * x).sum([0])),
        ["Sigmoid attention, fixed"] = () => One(new SigmoidAttention(), x => (x.sigmoid().softmax(0) * x).sum([0])),
        ["Softmax attention"] = () => Two(new SoftmaxAttention(), (x, l) => (Weights(l) * x).sum([0])),
        ["Softmax attention, detached"] = () => Two(new SoftmaxAttention(detached: true), (x, l) => (Weights(l).detach() * x).sum([0])),
        ["Normalised sigmoid attention"] = () => Two(
            new NormalizedSigmoidAttention(), (x, l) => (Sigmoid(l) * x).sum([0]) / Sigmoid(l).sum([0])),
        ["Attention GeM"] = () => Two(
            new AttentionGeM(), (x, l) => Root((Weights(l) * x.clamp_min(1e-6).pow(4)).sum([0]), 4)).OrNone(SmallRoot),
        ["Attention GeM, partly even"] = () => Two(
            new AttentionGeM(0.3, 2, 1e-3),
            (x, l) => Root(
                (((0.7 * Weights(l)) + (0.3 / x.shape[0])) * x.clamp_min(1e-3).square()).sum([0]), 2, 1e-3)).OrNone(Math.Sqrt(1e-3)),
        ["Fused attention GeM"] = Fused,
        ["NGWP"] = () => Two(new NormalizedGlobalWeightedPooling(), (s, m) => (s * m).sum([0]) / (1 + m.sum([0]))),
        ["Attention's divergence"] = () => Two(new AttentionDivergence(2), (z, t) => Divergence(z, (t.detach() / 2).sigmoid())),
    };

    public static IEnumerable<string> Names => Cases.Keys;

    public static PoolingCase Named(string name) => Cases[name]();

    private static PoolingCase One(MapPooling pooling, Func<Tensor, Tensor> formula) =>
        new(pooling, (values, _, mask) => pooling.Of(values, mask), (x, _) => formula(x));

    private static PoolingCase Trained(MapPooling pooling, Func<Module, Func<Tensor, Tensor>> formula) => One(pooling, formula(pooling));

    private static PoolingCase Two(ScoredPooling pooling, Func<Tensor, Tensor, Tensor> formula) => new(pooling, pooling.Of, formula);

    private PoolingCase OrNone(double? none) => this with { None = none };

    private static PoolingCase Fused()
    {
        var pooling = new FusedAttentionGeM();
        return new(
            pooling,
            (values, scores, mask) => pooling.Of(
                [values, values + scores, scores], [scores.Slice(0, 1), scores.Slice(1, 2), values.Slice(2, 1)], mask),
            (x, l) =>
            {
                var weights = (0.3 * Weights(l.narrow(1, 0, 1))) + (0.4 * Weights(l.narrow(1, 1, 2))) + (0.3 * Weights(x.narrow(1, 2, 1)));
                return Root((weights * ((0.3 * x) + (0.4 * (x + l)) + (0.3 * l)).clamp_min(1e-6).pow(4)).sum([0]), 4);
            },
            SmallRoot);
    }

    private static Tensor Root(Tensor mean, double exponent, double least = 1e-6) => mean.clamp_min(least).pow(1 / exponent);

    private static Tensor Weights(Tensor scores) => scores.mean([1], keepdim: true).softmax(0);

    private static Tensor Sigmoid(Tensor scores) => scores.mean([1], keepdim: true).sigmoid();

    private static Tensor Divergence(Tensor student, Tensor teacher)
    {
        var (q, p) = (teacher / teacher.sum([0]), student.softmax(0));
        return (q * (q / p).log()).sum([0]);
    }

    private static Tensor Gated(Module module, Tensor x) =>
        Linear(module, "attentionWeight", Linear(module, "attentionV", x).tanh() * Linear(module, "attentionU", x).sigmoid());

    private static Tensor Linear(Module module, string name, Tensor x) =>
        functional.linear(x, module.get_parameter($"{name}.weight")!, module.get_parameter($"{name}.bias")!);

    private static Tensor Temperature(Module module) => 1e-6 + (1 + module.get_parameter("raw")!.exp()).log();
}
