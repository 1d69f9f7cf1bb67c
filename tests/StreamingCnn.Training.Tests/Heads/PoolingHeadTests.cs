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
    public void Gradients_through_a_streamed_trunk_are_those_of_the_whole_image(HeadPooling pooling)
    {
        manual_seed(2);
        using var scope = NewDisposeScope();
        using var model = new StreamingClassifier(PaperTrunks.Small(), 3, new() { Tile = (40, 56) }, pooling);
        model.to(ScalarType.Float64);
        var image = randn(1, 3, 149, 187, dtype: ScalarType.Float64);
        var label = tensor(new long[] { 2 });

        nn.functional.cross_entropy(model.Head.forward(model.Features.Trunk.forward(image)), label).backward();
        var expected = model.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad!.clone());
        model.zero_grad();
        nn.functional.cross_entropy(model.forward(image), label).backward();

        Assert.All(model.named_parameters(), p =>
        {
            // A softmax does not see its scores' common offset: the gradient of that bias is nothing but rounding.
            var largest = expected[p.name].abs().max().item<double>();
            Assert.True((p.parameter.grad! - expected[p.name]).abs().max().item<double>() <= (1e-12 * largest) + 1e-14, p.name);
        });
        Assert.Equal(pooling == HeadPooling.Attention ? 8 : 2, model.Head.parameters().Count());
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
            var gate = (named["attentionV.weight"].mv(h) + named["attentionV.bias"]).tanh() * (named["attentionU.weight"].mv(h) + named["attentionU.bias"]).sigmoid();
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
