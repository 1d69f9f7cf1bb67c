using StreamingCnn.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Pooling;

/// <summary>The scores of attention are a map as any other: whole and streamed, without anything that looks at the whole map.</summary>
public class AttentionScoreTests
{
    [Fact]
    public void Streamed_scores_and_their_gradients_are_those_of_the_whole_map()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        using var scores = new Scores();
        scores.to(ScalarType.Float64);
        using var streaming = new StreamingModule(scores, new() { Tile = (9, 14) });
        var image = randn([2, 3, 31, 40], ScalarType.Float64, requires_grad: true);

        var whole = scores.forward(image);
        whole.square().sum().backward();
        var expected = (Tensor[])[image.grad!.clone(), .. scores.parameters().Select(parameter => parameter.grad!.clone())];
        scores.zero_grad();
        image.grad!.zero_();
        var streamed = streaming.forward(image);
        streamed.square().sum().backward();

        var positions = image.permute(0, 2, 3, 1);
        var gate = scores.V.call(positions).tanh() * scores.U.call(positions).sigmoid();
        Same(scores.Weight.call(gate).permute(0, 3, 1, 2), whole);
        Same(streamed, whole);
        foreach (var (one, other) in expected.Zip((Tensor[])[image.grad!, .. scores.parameters().Select(parameter => parameter.grad!)]))
            Same(other, one);

        static void Same(Tensor one, Tensor other) => Assert.True((one - other).abs().max().item<double>() < 1e-11);
    }

    private sealed class Scores : StreamingBlock
    {
        private readonly Linear v = nn.Linear(3, 4);
        private readonly Linear u = nn.Linear(3, 4);
        private readonly Linear weight = nn.Linear(4, 1);

        public Scores()
            : base(nameof(Scores)) => RegisterComponents();

        public Linear V => v;

        public Linear U => u;

        public Linear Weight => weight;

        public override FeatureMap Trace(FeatureMap input) => GatedAttentionPooling.Scores(input, v, u, weight);
    }
}
