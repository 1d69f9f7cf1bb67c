using Spectre.Console;
using StreamingCnn.Cli.Commands;
using StreamingCnn.Cli.Verification;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Cli.Tests;

public class VerifyTests
{
    [Theory]
    [InlineData("exactly-once", "float64")]
    [InlineData("exactly-once", "float32")]
    [InlineData("overlap", "float64")]
    public void A_network_with_batch_norm_passes(string mode, string precision)
    {
        var run = CommandLine.Run("verify", "--model", "resnet18", "--size", "150x97", "--tile", "64x40", "--mode", mode, "--precision", precision);

        Assert.Equal("", run.Errors);
        Assert.Equal(Program.Success, run.ExitCode);
        Assert.EndsWith($"PASS{Environment.NewLine}", run.Output);
        Assert.Contains("image gradient", run.Output);
        Assert.Contains("layer4.1.bn2.weight", run.Output);
        Assert.Contains("peak memory", run.Output);
    }

    [Fact]
    public void A_geometry_that_is_wrong_by_one_fails()
    {
        LayerRegistry.Register<Centred>(layer => new WindowLayer(layer, layer.Inner.forward) { Kernel = (3, 3), Padding = (1, 1) });
        LayerRegistry.Register<Shifted>(layer => new WindowLayer(layer, layer.Inner.forward) { Kernel = (3, 3), Padding = (1, 1) });
        manual_seed(1);

        var right = new Verifier(Sequential(Conv2d(2, 3, 3), new Centred()), Tiles(7)).Run([1, 2, 30, 26], ScalarType.Float64, 1);
        var wrong = new Verifier(Sequential(Conv2d(2, 3, 3), new Shifted()), Tiles(7)).Run([1, 2, 30, 26], ScalarType.Float64, 1);

        Assert.True(right.Passed);
        Assert.False(wrong.Passed);
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(new StringWriter()) });
        Assert.Equal(Program.Success, VerifyCommand.Show(right, console));
        Assert.Equal(Program.Negative, VerifyCommand.Show(wrong, console));
    }

    private static StreamingOptions Tiles(int side) => new() { Tile = (side, side) };

    /// <summary>Padded evenly, as its registration says.</summary>
    private sealed class Centred() : Padded(nameof(Centred), 1, 1);

    /// <summary>Padded on the right alone: of the size that its registration promises, but each output reads one pixel further to the right.</summary>
    private sealed class Shifted() : Padded(nameof(Shifted), 0, 2);

    private abstract class Padded : Module<Tensor, Tensor>
    {
        private readonly int left;
        private readonly int right;

        protected Padded(string name, int left, int right)
            : base(name)
        {
            (this.left, this.right) = (left, right);
            RegisterComponents();
        }

        public Conv2d Inner { get; } = Conv2d(3, 3, 3);

        public override Tensor forward(Tensor input) => Inner.forward(functional.pad(input, [left, right, 1, 1]));
    }
}
