using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Exactness;

/// <summary>Modules of TorchScript, which Scripted/make.py has made with PyTorch, on overlapping tiles.</summary>
public class ScriptedTrunkTests
{
    [Theory]
    [InlineData(32, 48)]
    [InlineData(17, 100)]
    public void A_script_streams_as_it_runs(int tileHeight, int tileWidth)
    {
        manual_seed(3);
        using var scope = NewDisposeScope();
        using var trunk = Load("trunk.pt");
        trunk.to(ScalarType.Float64);
        trunk.eval();
        var image = randn(2, 3, 90, 121, dtype: ScalarType.Float64).requires_grad_(true);
        var expected = trunk.forward(image);
        var gradient = randn_like(expected);
        expected.backward([gradient]);
        var gradients = trunk.named_parameters().ToDictionary(named => named.name, named => named.parameter.grad!.clone());
        var ofImage = image.grad!.clone();
        trunk.zero_grad();
        image.grad = null;

        using var streaming = new StreamingModule(trunk, new() { Tile = (tileHeight, tileWidth), Mode = StreamingMode.Overlap });
        var actual = streaming.forward(image);
        actual.backward([gradient]);

        Assert.Equal(
            ["first.bias", "first.weight", "norm.bias", "norm.weight", "second.bias", "second.weight"],
            gradients.Keys.Order(StringComparer.Ordinal));
        Assert.InRange(Compare.RelativeError(actual.detach(), expected.detach()), 0, 1e-12);
        Assert.InRange(Compare.RelativeError(image.grad!, ofImage), 0, 1e-12);
        Assert.All(
            trunk.named_parameters(),
            named => Assert.InRange(Compare.RelativeError(named.parameter.grad!, gradients[named.name]), 0, 1e-12));
    }

    [Fact]
    public void A_script_trains_by_an_optimizer()
    {
        manual_seed(4);
        using var scope = NewDisposeScope();
        using var trunk = Load("trunk.pt");
        trunk.eval();
        using var optimizer = optim.SGD(trunk.parameters(), 0.1);
        using var streaming = new StreamingModule(trunk, new() { Tile = (32, 32), Mode = StreamingMode.Overlap });
        var image = randn(1, 3, 64, 64);
        var losses = new List<float>();
        for (var i = 0; i < 3; i++)
        {
            optimizer.zero_grad();
            var loss = streaming.forward(image).square().mean();
            loss.backward();
            optimizer.step();
            losses.Add(loss.item<float>());
        }

        Assert.True(losses[2] < losses[1] && losses[1] < losses[0], string.Join(", ", losses));
    }

    [Fact]
    public void A_script_in_training_mode_that_changes_itself_is_refused()
    {
        using var trunk = Load("trunk.pt");
        trunk.train();
        using var streaming = new StreamingModule(trunk, new() { Tile = (32, 32), Mode = StreamingMode.Overlap });
        using var image = randn(1, 3, 64, 64);
        Assert.Contains(
            "as it runs, which every tile would do again; call eval() if that stops it",
            Assert.Throws<UnsupportedLayerException>(() => streaming.forward(image)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_script_that_looks_at_the_whole_image_is_refused()
    {
        using var trunk = Load("whole.pt");
        using var streaming = new StreamingModule(trunk, new() { Tile = (32, 32), Mode = StreamingMode.Overlap });
        using var image = randn(1, 3, 64, 64);
        Assert.Contains(
            "is not local", Assert.Throws<UnsupportedLayerException>(() => streaming.forward(image)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_files_are_refused_in_one_sentence()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "no script");
            var failure = Assert.Throws<InvalidDataException>(() => ScriptedTrunk.Load(file));
            Assert.StartsWith(
                $"The file '{file}' is no TorchScript that this libtorch reads; save it by torch.jit.save.",
                failure.Message,
                StringComparison.Ordinal);
            Assert.DoesNotContain('\n', failure.Message);
        }
        finally
        {
            File.Delete(file);
        }

        Assert.Contains(
            "There is no file 'nowhere.pt'; name one that torch.jit.save has written.",
            Assert.Throws<FileNotFoundException>(() => ScriptedTrunk.Load("nowhere.pt")).Message,
            StringComparison.Ordinal);
    }

    private static ScriptedTrunk Load(string name) =>
        ScriptedTrunk.Load(Path.Combine(AppContext.BaseDirectory, "Exactness", "Scripted", name));
}
