using System.Reflection;
using StreamingCnn.Graph;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Module = TorchSharp.torch.nn.Module;

namespace StreamingCnn.Tests.Surface;

/// <summary>Forward hooks are honoured where the engine calls the module, and refused by path where it would pass them over.</summary>
public class ForwardHookTests
{
    public static TheoryData<string, string> Places => new()
    {
        { "trunk", "" },
        { "layer", "conv" },
        { "container", "stage" },
        { "in a container", "stage.relu" },
        { "block", "block" },
        { "in a block", "block.conv" },
        { "identity", "same" },
        { "evaluated dropout", "drop" },
    };

    [Theory]
    [MemberData(nameof(Places))]
    public void A_hook_anywhere_in_the_trunk_is_refused_by_its_path(string place, string path)
    {
        var block = new Block();
        var (conv, relu, stage, same, drop) = (Conv2d(3, 4, 3), ReLU(), default(Sequential)!, Identity(), Dropout());
        stage = Sequential(("relu", relu));
        using var trunk = Sequential(("conv", conv), ("stage", stage), ("block", block), ("same", same), ("drop", drop));
        trunk.eval();
        Module<Tensor, Tensor> hooked = place switch
        {
            "trunk" => trunk,
            "layer" => conv,
            "container" => stage,
            "in a container" => relu,
            "block" => block,
            "in a block" => block.Conv,
            "identity" => same,
            _ => drop,
        };
        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 16) });
        using var image = randn(1, 3, 40, 40);
        foreach (var hook in new Func<Action>[]
        {
            () => hooked.register_forward_hook((_, _, output) => output * 2).remove,
            () => hooked.register_forward_pre_hook((_, input) => input * 2).remove,
            () => hooked.register_forward_hook(_ => { }).remove,
            () => hooked.register_forward_pre_hook(_ => { }).remove,
        })
        {
            var remove = hook();
            var refused = Assert.Throws<UnsupportedLayerException>(() => streaming.forward(image));
            remove();

            Assert.Equal(path, refused.Path);
            Assert.EndsWith(
                "has forward hooks, which tiles would not run as the whole image does; remove them, or write what they do as a layer.",
                refused.Message,
                StringComparison.Ordinal);
            streaming.forward(image);
        }
    }

    [Fact]
    public void Hooks_of_a_pyramid_and_within_it_are_refused()
    {
        using var pyramid = new Pyramid();
        using var streaming = new StreamingPyramid(pyramid);
        var own = pyramid.register_forward_hook((_, _, output) => output);
        Assert.Equal("", Assert.Throws<UnsupportedLayerException>(() => streaming.Plan(40, 40)).Path);
        own.remove();

        pyramid.Conv.register_forward_pre_hook((_, input) => input * 2);
        Assert.Equal("conv", Assert.Throws<UnsupportedLayerException>(() => streaming.Plan(40, 40)).Path);
    }

    [Fact]
    public void Hooks_of_a_module_that_is_run_as_it_is_are_refused()
    {
        using var opaque = new Opaque();
        using var streaming = new StreamingModule(opaque, new() { Mode = StreamingMode.Overlap, Tile = (16, 16) });
        var own = opaque.register_forward_hook((_, _, output) => output * 2);
        Assert.Equal("", Assert.Throws<UnsupportedLayerException>(() => streaming.forward(randn(1, 3, 40, 40))).Path);
        own.remove();

        opaque.Conv.register_forward_hook((_, _, output) => output * 2);
        Assert.Equal("conv", Assert.Throws<UnsupportedLayerException>(() => streaming.forward(randn(1, 3, 40, 40))).Path);
    }

    [Fact]
    public void Hooks_inside_a_layer_that_was_taught_are_refused()
    {
        LayerRegistry.Register<Known>(layer => new WindowLayer(layer, layer.Window) { Kernel = (3, 3), Channels = 4 });
        using var known = new Known();
        using var streaming = new StreamingModule(Sequential(("own", known)), new() { Tile = (16, 16) });
        known.Conv.register_forward_hook((_, _, output) => output * 2);

        Assert.Equal("own.conv", Assert.Throws<UnsupportedLayerException>(() => streaming.forward(randn(1, 3, 40, 40))).Path);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_block_on_a_whole_image_runs_its_layers_hooks_and_its_own(bool inplace)
    {
        using var block = new Block(inplace);
        using var image = randn(1, 4, 20, 20);
        using var plain = block.call(image);
        block.Relu.register_forward_pre_hook((_, input) => input.neg());
        using var layer = block.call(image);
        block.register_forward_hook((_, _, output) => output * 3);
        using var both = block.call(image);

        Assert.Equal(0, (plain - block.Conv.call(image).relu()).abs().max().item<float>());
        Assert.Equal(0, (layer - block.Conv.call(image).neg().relu()).abs().max().item<float>());
        Assert.Equal(0, (both - (layer * 3)).abs().max().item<float>());
        Assert.Equal(0, (block.forward(image) - layer).abs().max().item<float>());
    }

    [Fact]
    public void Hooks_that_a_whole_run_of_a_block_would_pass_over_are_refused()
    {
        using var outer = new Outer();
        outer.Inner.register_forward_hook((_, _, output) => output * 3);

        Assert.Equal("inner", Assert.Throws<UnsupportedLayerException>(() => outer.forward(randn(1, 4, 20, 20))).Path);
    }

    /// <summary>
    /// If TorchSharp renames them, hooks could no longer be seen: the engine then refuses to run, and this test says
    /// where to look.
    /// </summary>
    [Fact]
    public void TorchSharp_keeps_hooks_where_the_engine_looks()
    {
        var type = typeof(Module<Tensor, Tensor>).BaseType!;
        Assert.All(ForwardHooks.FieldNames, name => Assert.NotNull(type.GetField(name, BindingFlags.Instance | BindingFlags.NonPublic)));
        Assert.Equal(
            ForwardHooks.FieldNames.Order(),
            type.GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly)
                .Select(field => field.Name)
                .Order());
    }

    private sealed class Block : StreamingBlock
    {
        private readonly Conv2d conv = Conv2d(4, 4, 3, padding: 1);
        private readonly ReLU relu;

        public Block(bool inplace = false)
            : base(nameof(Block))
        {
            relu = ReLU(inplace);
            RegisterComponents();
        }

        public Conv2d Conv => conv;

        public ReLU Relu => relu;

        public override FeatureMap Trace(FeatureMap input) => input.Through(conv).Through(relu);
    }

    private sealed class Outer : StreamingBlock
    {
        private readonly Block inner = new();

        public Outer()
            : base(nameof(Outer)) => RegisterComponents();

        public Block Inner => inner;

        public override FeatureMap Trace(FeatureMap input) => input.Through(inner) + input;
    }

    private sealed class Pyramid : MultiOutputBlock
    {
        private readonly Conv2d conv = Conv2d(3, 4, 3, padding: 1);

        public Pyramid()
            : base(nameof(Pyramid)) => RegisterComponents();

        public Conv2d Conv => conv;

        public override IReadOnlyList<FeatureMap> Trace(FeatureMap input) => [input.Through(conv)];
    }

    private class Opaque : Module<Tensor, Tensor>
    {
        private readonly Conv2d conv = Conv2d(3, 4, 3);

        public Opaque()
            : base(nameof(Opaque)) => RegisterComponents();

        public Conv2d Conv => conv;

        public Tensor Window(Tensor input) => conv.call(input);

        public override Tensor forward(Tensor input) => conv.call(input);
    }

    private sealed class Known : Opaque;
}
