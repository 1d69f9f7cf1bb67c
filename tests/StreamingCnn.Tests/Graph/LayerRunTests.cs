using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Graph;

/// <summary>What a run makes or sums up is its own: runs over the same layers share nothing.</summary>
public class LayerRunTests
{
    public static TheoryData<bool> Narrow => [false, true];

    [Theory]
    [MemberData(nameof(Narrow))]
    public void Runs_in_turns_give_what_each_gives_alone(bool isNarrow)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var trunk = Trunk();
        var graph = Graph(trunk, isNarrow);
        using var first = new Pass(graph, Image(1));
        using var second = new Pass(graph, Image(2));

        first.Forward();
        second.Forward();
        first.Backward();
        second.Backward();
        second.Finish();
        first.Finish();

        foreach (var (pass, seed) in new[] { (first, 1), (second, 2) })
        {
            using var alone = new Pass(Graph(trunk, isNarrow), Image(seed));
            alone.Forward();
            alone.Backward();
            alone.Finish();
            Assert.True(Compare.AreEqual(pass.Output, alone.Output));
            foreach (var parameter in trunk.parameters())
                Assert.True(Compare.AreEqual(pass.Gradients[parameter.Handle], alone.Gradients[parameter.Handle]));
        }
    }

    [Theory]
    [MemberData(nameof(Narrow))]
    public void Runs_in_several_threads_give_what_each_gives_alone(bool isNarrow)
    {
        using var trunk = Trunk();
        var graph = Graph(trunk, isNarrow);
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, seed =>
        {
            using var grad = no_grad();
            for (var i = 0; i < 5; i++)
            {
                using var scope = NewDisposeScope();
                using var pass = new Pass(graph, Image(seed));
                using var alone = new Pass(Graph(trunk, isNarrow), Image(seed));
                foreach (var one in new[] { pass, alone })
                {
                    one.Forward();
                    one.Backward();
                    one.Finish();
                }

                Assert.True(Compare.AreEqual(pass.Output, alone.Output));
                foreach (var parameter in trunk.parameters())
                    Assert.True(Compare.AreEqual(pass.Gradients[parameter.Handle], alone.Gradients[parameter.Handle]));
            }
        });
    }

    [Fact]
    public void A_run_begun_after_a_change_of_weights_sees_it_and_one_begun_before_does_not_notice()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var trunk = Trunk();
        var graph = Graph(trunk, isNarrow: false);
        using var before = new Pass(graph, Image(1));
        before.Forward();

        ((BatchNorm2d)trunk[1]).weight!.mul_(2);
        using var after = new Pass(graph, Image(1));
        after.Forward();

        Assert.True(Compare.RelativeError(after.Output, trunk.forward(Image(1))) < 1e-5);
        Assert.True(Compare.RelativeError(after.Output, before.Output) > 1e-2);
    }

    [Fact]
    public void A_folded_layer_computes_without_a_run_what_its_runs_compute()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var trunk = Trunk();
        var (layer, image) = (Graph(trunk, isNarrow: false).Nodes[1].Layer!, Image(3));
        var patch = Whole(layer, image);
        using var run = layer.Start();

        Assert.True(Compare.AreEqual(layer.Compute([image], patch), run.Compute([image], patch)));
    }

    private static NetworkGraph Graph(Sequential trunk, bool isNarrow)
    {
        var graph = NormFolding.Of(GraphBuilder.Trace(trunk, 3).Local);
        Assert.Equal(2, graph.Nodes.Count(node => node.Layer is FoldedConvolutionLayer));
        return isNarrow ? NarrowMaps.Of(graph) : graph;
    }

    private static Sequential Trunk()
    {
        manual_seed(9);
        var trunk = Sequential(Conv2d(3, 16, 3, padding: 1), BatchNorm2d(16), ReLU(), Conv2d(16, 32, 3, stride: 2), BatchNorm2d(32));
        using var grad = no_grad();
        foreach (var norm in trunk.children().OfType<BatchNorm2d>())
        {
            norm.running_mean!.normal_();
            norm.running_var!.uniform_(0.2, 3);
            norm.weight!.normal_();
        }

        trunk.eval();
        return trunk;
    }

    private static Tensor Image(int seed)
    {
        using var generator = new Generator((ulong)seed);
        return randn([1, 3, 19, 23], generator: generator);
    }

    private static Patch Whole(LocalLayer layer, Tensor input)
    {
        return new(All(layer.Along(Axis.Rows, input.shape[2])), All(layer.Along(Axis.Columns, input.shape[3])));

        static AxisPatch All(AxisMap map) => AxisPatch.Of(map, new(0, map.OutputLength));
    }

    /// <summary>A chain of layers on a whole image, forwards and backwards.</summary>
    private sealed class Pass(NetworkGraph graph, Tensor image) : IGradientSink, IDisposable
    {
        private readonly LayerRuns layers = new(graph);
        private readonly Stack<LayerRecord> records = new();

        public Tensor Output { get; private set; } = image;

        public Dictionary<IntPtr, Tensor> Gradients { get; } = [];

        public void Forward()
        {
            foreach (var node in graph.Nodes.Where(node => node.Layer is not null))
            {
                var (output, record) = layers[node.Index].Run([Output], Whole(node.Layer!, Output), [true]);
                records.Push(record);
                Output = output;
            }
        }

        public void Backward()
        {
            var gradient = ones_like(Output);
            while (records.TryPop(out var record))
            {
                using (record)
                    gradient = record.Backward(gradient, this)[0]!.Value.Tensor;
            }
        }

        public void Finish() => layers.Finish(this);

        public void Dispose()
        {
            layers.Dispose();
            foreach (var gradient in Gradients.Values)
                gradient.Dispose();
        }

        public void Add(Parameter parameter, Tensor gradient)
        {
            if (Gradients.TryGetValue(parameter.Handle, out var sum))
                sum.add_(gradient);
            else
                Gradients.Add(parameter.Handle, gradient.clone().DetachFromDisposeScope());
            gradient.Dispose();
        }
    }
}
