using StreamingCnn.Models;
using StreamingCnn.Training.Heads;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Heads;

public class PoolingHeadTests
{
    [Theory]
    [InlineData(HeadPooling.Average)]
    [InlineData(HeadPooling.Max)]
    [InlineData(HeadPooling.Attention)]
    [InlineData(HeadPooling.LogSumExp)]
    [InlineData(HeadPooling.GeM)]
    [InlineData(HeadPooling.TopK)]
    public void Outputs_and_gradients_of_a_streamed_model_are_those_of_the_whole_image(HeadPooling pooling)
    {
        manual_seed(2);
        using var scope = NewDisposeScope();
        using var model = new StreamingClassifier(PaperTrunks.Small(), 3, new() { Tile = (40, 56) }, pooling);
        model.to(ScalarType.Float64);
        var image = randn([2, 3, 149, 187], ScalarType.Float64, requires_grad: true);
        var label = tensor(new long[] { 2, 0 });

        var whole = Whole(model.Head, model.Features.Trunk.forward(image));
        nn.functional.cross_entropy(whole, label).backward();
        var expected = model.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad!.clone());
        expected.Add("image", image.grad!.clone());
        model.zero_grad();
        image.grad!.zero_();
        var scores = model.forward(image);
        nn.functional.cross_entropy(scores, label).backward();

        Check("scores", scores, whole);
        Check("head by itself", model.Head.forward(model.Features.Trunk.forward(image)), whole);
        Check("image", image.grad!, expected["image"]);
        Assert.All(model.named_parameters(), p => Check(p.name, p.parameter.grad!, expected[p.name]));
        Assert.Equal(pooling == HeadPooling.Attention ? 8 : 2, model.Head.parameters().Count());

        // A softmax does not see its scores' common offset: the gradient of that bias is nothing but rounding.
        static void Check(string name, Tensor streamed, Tensor reference) => Assert.True(
            (streamed - reference).abs().max().item<double>() <= (1e-12 * reference.abs().max().item<double>()) + 1e-14, name);
    }

    /// <summary>The head on a whole map, in PyTorch's own operations.</summary>
    private static Tensor Whole(PoolingHead head, Tensor map)
    {
        var named = head.named_parameters().ToDictionary(named => named.name, named => named.parameter);
        var values = map.flatten(2);
        var pooled = head.Pooling switch
        {
            HeadPooling.Average => values.mean([2]),
            HeadPooling.Max => values.max(2).values,
            HeadPooling.LogSumExp => ((values * 5).logsumexp(2) - Math.Log(values.shape[2])) / 5,
            HeadPooling.GeM => values.clamp_min(1e-6).pow(4).mean([2]).clamp_min(1e-6).pow(0.25),
            HeadPooling.TopK => values.topk(10, 2).values.mean([2]),
            _ => Attended(values.transpose(1, 2)),
        };
        return nn.functional.linear(pooled, named["classifier.weight"], named["classifier.bias"]);

        Tensor Attended(Tensor instances)
        {
            var gate = Linear(instances, "attentionV").tanh() * Linear(instances, "attentionU").sigmoid();
            return (Linear(gate, "attentionWeight").softmax(1) * instances).sum(1);
        }

        Tensor Linear(Tensor input, string name) => nn.functional.linear(input, named[$"{name}.weight"], named[$"{name}.bias"]);
    }

    [Fact]
    public void Gated_attention_is_that_of_its_paper()
    {
        manual_seed(4);
        using var scope = NewDisposeScope();
        using var head = new PoolingHead(5, 2, HeadPooling.Attention);
        var map = randn(1, 5, 3, 4);
        var named = head.state_dict();

        // Instance by instance, equations 8 and 9 of arXiv 1802.04712: a_k = exp(w (tanh(V h_k) * sigm(U h_k))) over their sum.
        double total = 0;
        var pooled = zeros(5);
        for (var position = 0; position < 12; position++)
        {
            var h = map.flatten(2)[0].select(1, position);
            var gate =
                (named["attentionV.weight"].mv(h) + named["attentionV.bias"]).tanh() * (
                    named["attentionU.weight"].mv(h) + named["attentionU.bias"]).sigmoid();
            var weight = Math.Exp((named["attentionWeight.weight"].mv(gate) + named["attentionWeight.bias"]).item<float>());
            total += weight;
            pooled += h * weight;
        }

        var expected = named["classifier.weight"].mv(pooled / total) + named["classifier.bias"];
        Assert.True((head.forward(map)[0] - expected).abs().max().item<float>() < 1e-5);
    }

    [Fact]
    public void Average_and_maximum_are_over_all_positions()
    {
        using var scope = NewDisposeScope();
        var map = randn(2, 4, 3, 5);
        using var average = new PoolingHead(4, 3);
        using var maximum = new PoolingHead(4, 3, HeadPooling.Max);
        Assert.True((average.forward(map) - average.Classifier.forward(map.flatten(2).mean([2]))).abs().max().item<float>() < 1e-6);
        Assert.True((maximum.forward(map) - maximum.Classifier.forward(map.flatten(2).max(2).values)).abs().max().item<float>() < 1e-6);
    }

    [Fact]
    public void Numbers_of_poolings_are_checked()
    {
        Assert.Equal(
            "number is 3, but Average pooling has none; leave it out. (Parameter 'number')",
            Assert.Throws<ArgumentException>(() => new PoolingHead(4, 2, number: 3)).Message);
        (HeadPooling, double)[] wrong = [(HeadPooling.TopK, 2.5), (HeadPooling.GeM, 0), (HeadPooling.LogSumExp, double.NaN)];
        foreach (var (pooling, number) in wrong)
            Assert.Throws<ArgumentOutOfRangeException>(() => new PoolingHead(4, 2, pooling, number: number));
        using var head = new PoolingHead(4, 2, HeadPooling.TopK, number: 1);
        using var maximum = new PoolingHead(4, 2, HeadPooling.Max);
        maximum.load_state_dict(head.state_dict());
        using var map = randn(1, 4, 5, 6);
        Assert.True(head.forward(map).allclose(maximum.forward(map)));
    }

    [Fact]
    public void Dropout_drops_pooled_features_in_training_alone()
    {
        manual_seed(1);
        using var scope = NewDisposeScope();
        using var head = new PoolingHead(2000, 1, dropout: 0.25);
        using (no_grad())
        {
            head.Classifier.weight.fill_(1);
            head.Classifier.bias!.zero_();
        }

        var map = ones(1, 2000, 2, 2);
        head.eval();
        Assert.Equal(2000, head.forward(map).item<float>(), 0.01);
        head.train();
        // Each of the features is kept with probability 3/4 and scaled by 4/3.
        var kept = head.forward(map).item<float>() * 0.75;
        Assert.InRange(kept, 1400, 1600);
        Assert.Equal(Math.Round(kept), kept, 0.01);
    }
}
