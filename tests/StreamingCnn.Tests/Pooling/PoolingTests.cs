using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using StreamingCnn.Tests.Stages;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Pooling;

/// <summary>Poolings of maps with masks are what their formulas say, on whole maps and streamed, with the gradients.</summary>
public sealed class PoolingTests
{
    private const double Tolerance = 1e-12;

    public static TheoryData<string> Names => [.. PoolingCase.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_pooling_is_its_formula(string name)
    {
        foreach (var (kind, batch, tile) in new[]
        {
            ("none", 2, 4), ("random", 2, 3), ("rectangle", 1, 5), ("empty", 2, 4), ("empty", 1, 20),
        })
        {
            using var scope = NewDisposeScope();
            manual_seed(11);
            var pooling = PoolingCase.Named(name);
            if (kind == "empty" && pooling.None is null)
                continue;
            using var network = new Pooled(pooling, kind != "none");
            network.@double();
            using var streaming = new StreamingNetwork(network, new() { Tile = (tile, tile) });
            var image = rand(batch, 3, 9, 11, ScalarType.Float64);
            Tensor[] inputs = kind == "none" ? [image] : [image, Mask(kind, batch, 9, 11)];

            var expected = Step(network, inputs, maps => Formula(network, pooling, maps));
            var whole = Step(network, inputs, network.forward);
            var streamed = Step(network, inputs, streaming.forward);

            Assert.All(whole.Zip(expected), pair => AssertEqual(pair.First, pair.Second, expected, $"{kind}, whole"));
            Assert.All(streamed.Zip(whole), pair => AssertEqual(pair.First, pair.Second, whole, $"{kind}, streamed"));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_a_mask_removes_counts_for_nothing_whatever_it_is(string name)
    {
        using var scope = NewDisposeScope();
        manual_seed(12);
        var pooling = PoolingCase.Named(name);
        using var network = new Bare(pooling);
        network.@double();
        using var streaming = new StreamingNetwork(network, new() { Tile = (3, 4) });
        var mask = Mask("random", 2, 7, 8);
        var isRemoved = mask.any(1, keepdim: true).logical_not();
        var (values, scores) = (rand(2, 4, 7, 8, ScalarType.Float64), rand(2, 4, 7, 8, ScalarType.Float64));

        var expected = Step(network, [values, scores, mask], maps => [OfValid(pooling, maps[0], maps[1], maps[2])]);
        var streamed = Step(
            network, [values.masked_fill(isRemoved, double.NaN), scores.masked_fill(isRemoved, double.NaN), mask], streaming.forward);

        Assert.All(streamed.Zip(expected), pair => AssertEqual(pair.First, pair.Second, expected, "masked"));
    }

    [Fact]
    public void Fewer_positions_than_values_are_refused_by_a_plan_as_by_a_run()
    {
        using var scope = NewDisposeScope();
        using var network = Sequential(Conv2d(3, 4, 3, stride: 2), new TopKPooling(13));
        using var streaming = new StreamingModule(network, new() { Tile = (4, 4) });

        var refusal = Assert.Throws<UnsupportedLayerException>(() => streaming.Plan(7, 9));

        Assert.EndsWith(
            " cannot be applied to an image of 7 x 9: The 13 largest values are asked for, but the map has 3 x 4 positions; "
            + "ask for fewer, or give a larger image.",
            refusal.Message);
        Assert.Equal(refusal.Message, Assert.Throws<UnsupportedLayerException>(() => streaming.forward(rand(1, 3, 7, 9))).Message);
        Assert.Equal([1L, 4L], streaming.forward(rand(1, 3, 9, 9)).shape);
    }

    [Fact]
    public void A_pooling_with_scores_is_a_network_of_its_own()
    {
        using var scope = NewDisposeScope();
        using var pooling = new SoftmaxAttention(masked: true);
        using var streaming = new StreamingNetwork(pooling, new() { Tile = (4, 4) });
        Tensor[] inputs = [rand(2, 4, 9, 11), rand(2, 1, 9, 11), Mask("rectangle", 2, 9, 11).to(ScalarType.Float32)];

        var small = streaming.forward(inputs).Single();

        Assert.Equal([2L, 4L], small.shape);
        Assert.True(Compare.RelativeError(small, pooling.forward(inputs).Single()) < 1e-6);
    }

    [Fact]
    public void A_label_of_no_position_is_refused()
    {
        using var scope = NewDisposeScope();
        using var network = new Bare(PoolingCase.Named("Weak label"));
        using var streaming = new StreamingNetwork(network, new() { Tile = (4, 4) });
        Tensor[] inputs = [rand(2, 4, 9, 11), rand(2, 4, 9, 11), zeros(2, 1, 9, 11)];

        const string Sentence = "An image's mask removes all of its positions, so that its label says nothing; leave such images out.";
        Assert.Equal(Sentence, Assert.Throws<ArgumentException>(() => streaming.forward(inputs)).Message);
        Assert.Equal(Sentence, Assert.Throws<ArgumentException>(() => network.forward(inputs)).Message);
    }

    [Fact]
    public void The_loss_of_weak_labels_is_the_cross_entropy_of_probabilities()
    {
        using var scope = NewDisposeScope();
        var (logits, labels) = (rand(3, 2, ScalarType.Float64) * 60 - 50, tensor(new double[,] { { 0, 1 }, { 1, 1 }, { 0, 0 } }));
        logits[0, 0] = 200;

        var loss = WeakLabelPooling.Loss(logits[1..], labels[1..]);

        Assert.True(Compare.RelativeError(loss, functional.binary_cross_entropy(logits[1..].sigmoid(), labels[1..])) < 1e-7);
    }

    [Fact]
    public void Weak_labels_of_unlikely_and_of_sure_positions_have_gradients()
    {
        using var scope = NewDisposeScope();
        using var pooling = new WeakLabelPooling();
        var logits = stack([full(5, 5, -60f), full(5, 5, 60f)]).unsqueeze(0).requires_grad_();

        var pooled = pooling.forward(logits);
        pooled.sum().backward();

        Assert.Equal(-60, pooled[0, 0].item<float>(), 4);
        Assert.True(pooled.isfinite().all().item<bool>());
        Assert.True(logits.grad!.isfinite().all().item<bool>());
        Assert.Equal(1, logits.grad[0, 0].sum().item<float>(), 4);
    }

    [Fact]
    public void A_map_s_mean_and_largest_value_make_short_heads()
    {
        manual_seed(2);
        var (name, error) = GlobalStep.Worst(
            () => Sequential(Conv2d(3, 4, 3), new MeanAndMax(4)).@double(),
            rand(2, 3, 20, 23, ScalarType.Float64),
            new() { Tile = (8, 8) });
        Assert.True(error < Tolerance, $"{name}: {error}");
    }

    [Fact]
    public void Parameters_have_the_names_that_are_promised()
    {
        using var gated = new GatedAttentionPooling(6);
        using var mean = new GeMPooling(isTrained: true);
        using var attention = new LogitAttention(isTrained: true);

        Assert.Equal(
            [
                "attentionU.bias", "attentionU.weight", "attentionV.bias", "attentionV.weight",
                "attentionWeight.bias", "attentionWeight.weight",
            ],
            gated.state_dict().Keys.Order());
        Assert.Equal([128L, 6L], gated.state_dict()["attentionV.weight"].shape);
        Assert.Equal(["p"], mean.state_dict().Keys);
        Assert.Equal(["raw"], attention.state_dict().Keys);
        using var fixedMean = new GeMPooling();
        Assert.Empty(fixedMean.state_dict());
    }

    private static Tensor[] Formula(Pooled network, PoolingCase pooling, Tensor[] inputs)
    {
        var (values, scores) = network.Maps(inputs[0]);
        return [OfValid(pooling, values, scores, inputs.ElementAtOrDefault(1)), values];
    }

    private static Tensor OfValid(PoolingCase pooling, Tensor values, Tensor scores, Tensor? mask)
    {
        var images = Enumerable.Range(0, (int)values.shape[0]).Select(image =>
        {
            var isValid = mask is null
                ? ones(values.shape[2], values.shape[3], dtype: ScalarType.Bool)
                : mask[image].to(ScalarType.Bool).any(0);
            var valid = isValid.flatten().nonzero().flatten();
            return valid.numel() == 0
                ? full(4, pooling.None!.Value, ScalarType.Float64)
                : pooling.Formula(At(values[image], valid), At(scores[image], valid));
        });
        return stack(images);

        static Tensor At(Tensor map, Tensor places) => map.flatten(1).t().index_select(0, places);
    }

    private static Tensor Mask(string kind, int batch, long height, long width)
    {
        var mask = zeros(batch, 2, height, width, ScalarType.Float64);
        for (var image = 0; image < batch; image++)
        {
            if (kind == "rectangle")
                mask[image].narrow(1, 2, 3).narrow(2, image, 4).fill_(1);
            else if (kind != "empty" || image > 0)
                mask[image].copy_(rand(2, height, width, ScalarType.Float64).le(0.3));
        }

        return mask;
    }

    /// <summary>The outputs, and the gradients of inputs and of parameters, zeros for none.</summary>
    private static List<Tensor> Step(Module network, Tensor[] inputs, Func<Tensor[], Tensor[]> forward)
    {
        var leaves = inputs.Select((input, index) => input.detach().clone().requires_grad_(index == 0 || input.shape[1] == 4)).ToArray();
        var outputs = forward(leaves);
        outputs.Select(output => (output * arange(output.numel(), ScalarType.Float64).mul(0.7391).sin().reshape(output.shape)).sum())
            .Aggregate((sum, part) => sum + part).backward();
        var gradients = leaves.Where(leaf => leaf.requires_grad).Concat(network.parameters())
            .Select(leaf => leaf.grad?.clone() ?? zeros_like(leaf));
        var results = outputs.Select(output => output.detach()).Concat(gradients).ToList();
        foreach (var parameter in network.parameters())
            parameter.grad = null;
        return results;
    }

    private static void AssertEqual(Tensor actual, Tensor expected, List<Tensor> all, string what)
    {
        // A gradient that cancels, as of a bias before a softmax, is nothing but rounding: it is measured against the others.
        var floor = 1e-2 * all.Max(one => one.numel() == 0 ? 0 : one.abs().max().item<double>());
        var error = Compare.RelativeError(actual, expected, floor);
        Assert.True(error < Tolerance, $"{what}, [{string.Join(", ", expected.shape)}]: {error}");
    }

    private sealed class Pooled : MultiInputBlock
    {
        private readonly PoolingCase pooling;
        private readonly Conv2d values = Conv2d(3, 4, 3, padding: 1);
        private readonly Conv2d scores = Conv2d(3, 4, 3, padding: 1);
        private readonly Sigmoid sigmoid = Sigmoid();

        public Pooled(PoolingCase pooling, bool masked)
            : base(nameof(Pooled), masked ? 2 : 1)
        {
            this.pooling = pooling;
            RegisterComponents();
            register_module("pooling", pooling.Module);
        }

        public (Tensor Values, Tensor Scores) Maps(Tensor image) => (values.call(image).sigmoid(), scores.call(image).sigmoid());

        public override IReadOnlyList<NetworkValue> Trace(IReadOnlyList<FeatureMap> inputs)
        {
            var (v, s) = (inputs[0].Through(values).Through(sigmoid), inputs[0].Through(scores).Through(sigmoid));
            return [pooling.Of(v, s, inputs.ElementAtOrDefault(1)), v];
        }
    }

    private sealed class Bare : MultiInputBlock
    {
        private readonly PoolingCase pooling;

        public Bare(PoolingCase pooling)
            : base(nameof(Bare), 3)
        {
            this.pooling = pooling;
            register_module("pooling", pooling.Module);
        }

        public override IReadOnlyList<GlobalTensor> Trace(IReadOnlyList<FeatureMap> inputs) =>
            [pooling.Of(inputs[0], inputs[1], inputs[2])];
    }

    private sealed class MeanAndMax : StreamingHead
    {
        private readonly Linear linear;

        public MeanAndMax(long channels)
            : base(nameof(MeanAndMax))
        {
            linear = Linear(2 * channels, 3);
            RegisterComponents();
        }

        public override GlobalTensor Trace(FeatureMap input) =>
            GlobalTensor.Combine(parts => cat([.. parts], 1), [input.Mean(), input.Max()]).Through(linear);
    }
}
