using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Tests.Import;

/// <summary>
/// Networks that PyTorch has exported, of all kinds of operators: the same numbers as ONNX Runtime's, and streamed the same numbers and
/// gradients as whole. Files/small.py makes the files.
/// </summary>
public sealed class ParityTests
{
    public static TheoryData<string> Names =>
        [
            .. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Files"), "*.onnx")
                .Select(file => Path.GetFileNameWithoutExtension(file))
                .Order()
        ];

    [Theory]
    [MemberData(nameof(Names))]
    public void An_import_gives_what_ONNX_Runtime_gives(string name)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var network = OnnxNetwork.Load(PathOf(name));
        random.manual_seed(1);
        // A file without dynamic axes runs at its own size alone.
        (long, long)[] sizes = name.Contains("fixed", StringComparison.Ordinal) ? [(40, 36)] : [(40, 36), (64, 52)];
        foreach (var (height, width) in sizes)
        {
            var image = randn(1, 3, height, width);
            Assert.InRange(ReferenceRuntime.Difference(network.forward(image), ReferenceRuntime.Run(PathOf(name), image)), 0, 1e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Streamed_it_gives_the_outputs_and_gradients_of_the_whole(string name)
    {
        using var scope = NewDisposeScope();
        using var network = OnnxNetwork.Load(PathOf(name)).to(ScalarType.Float64);
        using var streaming = new StreamingModule(network, new StreamingOptions { Tile = (20, 28) });
        random.manual_seed(2);
        var image = randn([2, 3, 56, 68], ScalarType.Float64, requires_grad: true);

        var whole = network.forward(image);
        var weights = randn(whole.shape, ScalarType.Float64);
        (whole * weights).sum().backward();
        var expected = Gradients(network, image);
        var streamed = streaming.forward(image);
        Assert.InRange(ReferenceRuntime.Difference(streamed.detach(), whole.detach()), 0, 1e-12);
        (streamed * weights).sum().backward();

        foreach (var (path, gradient) in Gradients(network, image))
            Assert.True(ReferenceRuntime.Difference(gradient, expected[path]) < 1e-12, path);
    }

    internal static string PathOf(string name) => Path.Combine(AppContext.BaseDirectory, "Files", name + ".onnx");

    internal static Dictionary<string, Tensor> Gradients(Module network, Tensor image)
    {
        var found = new Dictionary<string, Tensor>();
        foreach (var (name, parameter) in network.named_parameters().Select(entry => (entry.name, (Tensor)entry.parameter))
            .Append(("image", image)))
        {
            Assert.True(parameter.grad is not null, $"{name} gets no gradient");
            found.Add(name, parameter.grad!.clone());
            parameter.grad = null;
        }

        return found;
    }
}
