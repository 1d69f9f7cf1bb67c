using System.Reflection;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Surface;

/// <summary>What cannot work says so, in one sentence, as an exception.</summary>
public class FailureTests
{
    private static Module<Tensor, Tensor> Trunk() => Sequential(
        ("conv", Conv2d(3, 4, 3, padding: 1)), ("relu", ReLU()), ("down", Conv2d(4, 4, 3, stride: 2)));

    [Fact]
    public void An_error_inside_the_backward_pass_reaches_the_caller_with_its_own_words()
    {
        using var streaming = new StreamingModule(Trunk(), new() { Tile = (16, 16) });
        using var image = randn(1, 3, 64, 64);
        using var source = new MemorySource(image);
        using var output = streaming.forward(source);
        source.ReadsUntilFailure = 3;

        var failure = Assert.Throws<ExternalException>(() => output.sum().backward());

        Assert.Equal("The disk with the slide was unplugged.", failure.Message);
        Assert.IsType<IOException>(failure.InnerException);
        Assert.All(streaming.parameters(), p => Assert.Null(p.grad));
    }

    [Fact]
    public void Nothing_listens_to_a_process_s_exceptions_before_a_run_fails_or_after_its_error_has_come()
    {
        using var streaming = new StreamingModule(Trunk(), new() { Tile = (16, 16) });
        using var source = new MemorySource(randn(1, 3, 40, 40));
        streaming.forward(source).sum().backward();
        var before = Listeners();
        using var output = streaming.forward(source);
        source.ReadsUntilFailure = 0;

        var failure = Assert.Throws<ExternalException>(() => output.sum().backward());

        Assert.IsType<IOException>(failure.InnerException);
        Assert.Equal(before, Listeners());
        Assert.DoesNotContain(before, listener => listener.Target is Execution.BackwardFailure);

        static Delegate[] Listeners() =>
            ((Delegate?)typeof(AppContext).GetField("FirstChanceException", BindingFlags.Static | BindingFlags.NonPublic)!.GetValue(null))
            ?.GetInvocationList() ?? [];
    }

    [Fact]
    public void After_an_error_the_module_works_as_before()
    {
        using var streaming = new StreamingModule(Trunk(), new() { Tile = (16, 16) });
        using var source = new MemorySource(randn(1, 3, 40, 40));
        var output = streaming.forward(source);
        source.ReadsUntilFailure = 0;
        Assert.Throws<ExternalException>(() => output.sum().backward());

        source.ReadsUntilFailure = int.MaxValue;
        streaming.forward(source).sum().backward();

        Assert.All(streaming.parameters(), p => Assert.NotNull(p.grad));
    }

    [Fact]
    public void Gradients_of_gradients_are_refused()
    {
        using var streaming = new StreamingModule(Trunk(), new() { Tile = (16, 16) });
        var loss = streaming.forward(randn(1, 3, 40, 40)).pow(2).sum();

        var failure = Assert.Throws<ExternalException>(() => autograd.backward([loss], null, retain_graph: true, create_graph: true));

        Assert.Equal(
            "Gradients of gradients cannot be streamed: call backward without create_graph, or run the trunk itself on the whole image.",
            failure.Message);
    }

    [Fact]
    public void A_second_backward_pass_is_refused()
    {
        using var streaming = new StreamingModule(Trunk(), new() { Tile = (16, 16) });
        var loss = streaming.forward(randn(1, 3, 40, 40)).sum();
        loss.backward(null, retain_graph: true);

        var failure = Assert.Throws<ExternalException>(() => loss.backward());

        Assert.StartsWith("The streamed trunk's backward pass has already run", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_change_between_the_passes_is_noticed()
    {
        using var trunk = Trunk();
        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 16) });
        using var image = randn(1, 3, 40, 40);

        var loss = streaming.forward(image).sum();
        using (no_grad())
            trunk.parameters().First().add_(1);
        var weights = Assert.Throws<ExternalException>(() => loss.backward());
        Assert.Contains("of layer 'conv' changed between the forward and the backward pass", weights.Message, StringComparison.Ordinal);

        loss = streaming.forward(image).sum();
        trunk.eval();
        var mode = Assert.Throws<ExternalException>(() => loss.backward());
        Assert.StartsWith("The training mode of layer 'conv' changed", mode.Message, StringComparison.Ordinal);

        loss = streaming.forward(image).sum();
        image.add_(1);
        var pixels = Assert.Throws<ExternalException>(() => loss.backward());
        Assert.StartsWith("The image was changed in place", pixels.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_options_that_cannot_be_used_are_named_together()
    {
        var failure = Assert.Throws<ArgumentException>(
            () => new StreamingModule(Trunk(), new() { Tile = (0, 16), MemoryBudget = -5, Mode = (StreamingMode)7 }));

        Assert.Equal(
            "The streaming options cannot be used: Tile is 0 x 16, but must be at least 1 x 1 pixels; MemoryBudget is -5, but must be a positive number of bytes; Mode is 7, which is no StreamingMode.",
            failure.Message);
    }

    [Fact]
    public void A_budget_that_nothing_fits_into_is_refused_with_the_smallest_that_would_do()
    {
        using var streaming = new StreamingModule(Trunk(), new() { MemoryBudget = 1024 });

        var failure = Assert.Throws<InsufficientMemoryException>(() => streaming.Plan(4000, 4000));

        var mebibytes = Math.Ceiling(streaming.SmallestBudget(4000, 4000) / 1048576.0);
        Assert.Equal(
            "No tile fits into the memory budget of 0 MiB for an image of 4000 x 4000 pixels; "
            + $"the smallest budget that one fits into is {mebibytes} MiB, less with the carry in a file.",
            failure.Message);
    }

    [Fact]
    public void Images_of_the_wrong_shape_are_refused()
    {
        using var streaming = new StreamingModule(Trunk(), new() { Tile = (16, 16) });

        Assert.Equal(
            "The image has the shape [3, 40, 40]; give a batch of images [N, C, H, W]. (Parameter 'image')",
            Assert.Throws<ArgumentException>(() => streaming.forward(randn(3, 40, 40))).Message);
        Assert.Equal(
            "Layer 'conv' (Conv2d) expects 3 input channels, but gets 1.",
            Assert.Throws<UnsupportedLayerException>(() => streaming.forward(randn(1, 1, 40, 40))).Message);
        Assert.Equal(
            "Layer 'down' (Conv2d) cannot be applied to an image of height 2: An input of length 2 is too small: it would give an output of length 0, at least 1 is needed.",
            Assert.Throws<UnsupportedLayerException>(() => streaming.forward(randn(1, 3, 2, 40))).Message);
    }
}
