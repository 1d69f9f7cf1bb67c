using Spectre.Console;
using StreamingCnn.Cli.Commands;
using StreamingCnn.Cli.Verification;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;
using TorchSharp;
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
        var run = CommandLine.Run(
            "verify", "--model", "resnet18", "--size", "150x97", "--tile", "64x40", "--mode", mode, "--precision", precision);

        Assert.Equal("", run.Errors);
        Assert.Equal(Program.Success, run.ExitCode);
        Assert.EndsWith($"PASS{Environment.NewLine}", run.Output);
        Assert.Contains("image gradient", run.Output);
        Assert.Contains("layer4.1.bn2.weight", run.Output);
        Assert.Contains("peak memory", run.Output);
    }

    /// <summary>
    /// The statistics of the image take a bias before them away again, whose gradient is rounding and no measure of itself.
    /// </summary>
    [Fact]
    public void A_network_with_the_statistics_of_the_image_passes()
    {
        var run = CommandLine.Run("verify", "--model", "mobilenetv3-small", "--norm", "batch", "--size", "67x45", "--tile", "32x64");

        Assert.Equal("", run.Errors);
        Assert.EndsWith($"PASS{Environment.NewLine}", run.Output);
    }

    [Fact]
    public void A_norm_for_a_model_without_a_choice_is_refused()
    {
        var run = CommandLine.Run("verify", "--model", "small", "--norm", "group", "--size", "64");

        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.Contains("The norm of the model 'small' cannot be chosen; leave it out, or choose one of deeplabv3-mobilenetv3-large,", run.Errors);
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

    [Theory]
    [InlineData("exactly-once")]
    [InlineData("overlap")]
    public void The_program_fails_with_exit_code_1_when_a_layer_s_geometry_is_wrong_by_one(string mode)
    {
        string[] command = ["verify", "--model", "small", "--size", "90x70", "--tile", "32x24", "--mode", mode, "--precision", "float64"];
        CommandLine broken;
        LayerRegistry.Register<MaxPool2d>(pooling => new ShiftedPooling(pooling));
        try
        {
            broken = CommandLine.Run(command);
        }
        finally
        {
            LayerRegistry.Register<MaxPool2d>(pooling => new MaxPoolingLayer(pooling));
        }

        Assert.Equal("", broken.Errors);
        Assert.Equal(1, broken.ExitCode);
        Assert.EndsWith($"FAIL{Environment.NewLine}", broken.Output);
        Assert.Equal(0, CommandLine.Run(command).ExitCode);
    }

    private static StreamingOptions Tiles(int side) => new() { Tile = (side, side) };

    /// <summary>
    /// Max pooling whose integers say that each window begins one position later than it does. All of them agree with each other.
    /// </summary>
    private sealed class ShiftedPooling(MaxPool2d pooling) : LocalLayer
    {
        public override Module Module => pooling;

        public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0];

        public override AxisMap Along(Axis axis, long length) =>
            new SlidingWindow(length, pooling.kernel_size[0], pooling.stride[0], before: -1, after: 1);

        public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch)
        {
            using var window = functional.pad(
                inputs[0], [
                    patch.Columns.Span.Before, patch.Columns.Span.After, patch.Rows.Span.Before, patch.Rows.Span.After
                ], PaddingModes.Constant, double.NegativeInfinity);
            return functional.max_pool2d(window, pooling.kernel_size[0], pooling.stride[0]);
        }

        public override Tensor Whole(IReadOnlyList<Tensor> inputs) => pooling.call(inputs[0]);
    }

    /// <summary>Padded evenly, as its registration says.</summary>
    private sealed class Centred() : Padded(nameof(Centred), 1, 1);

    /// <summary>
    /// Padded on the right alone: of the size that its registration promises, but each output reads one pixel further to the right.
    /// </summary>
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
