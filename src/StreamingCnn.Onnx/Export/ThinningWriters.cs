using StreamingCnn.Models;
using StreamingCnn.Onnx.Format;
using static TorchSharp.torch;

namespace StreamingCnn.Onnx.Export;

/// <summary>Layers that keep every nth position of a map, or make channels of its positions. The import knows their nodes again.</summary>
internal static class ThinningWriters
{
    /// <summary>A binomial filter on a mirrored border, which is a convolution of each channel by numbers that are no parameters.</summary>
    public static string Blurred(BlurPool blur, long channels, GraphWriter graph, string name, string x)
    {
        var strides = ("strides", new OnnxAttribute { Integers = [blur.Stride, blur.Stride] });
        var kernel = ("kernel_shape", new OnnxAttribute { Integers = [blur.Size, blur.Size] });
        // A filter of one position passes over positions, and does nothing else.
        if (blur.Size == 1)
            return graph.Node("MaxPool", name, [x], kernel, strides);
        var (before, after) = blur.Padding;
        var padded = graph.Node(
            "Pad",
            name + ".pad",
            [x, graph.Integers(0, 0, before, before, 0, 0, after, after)],
            ("mode", new() { Text = "reflect" }));
        using var scope = NewDisposeScope();
        var taps = tensor(blur.Weights.ToArray());
        var filter = outer(taps, taps).expand(channels, 1, blur.Size, blur.Size).contiguous();
        return graph.Node(
            "Conv",
            name,
            [padded, graph.Tensor($"const::blur[{channels},{blur.Size}]", filter)],
            kernel,
            strides,
            ("group", LayerWriters.Whole(channels)));
    }

    /// <summary>
    /// Squares of 2 x 2 positions as channels. One row and column of zeros is laid behind the map, whatever its size; of an even one
    /// nothing comes of it.
    /// </summary>
    public static string Stacked(GraphWriter graph, string name, string x)
    {
        var padded = graph.Node("Pad", name + ".pad", [x, graph.Integers(0, 0, 0, 0, 0, 0, 1, 1)], ("mode", new() { Text = "constant" }));
        return graph.Node("Concat", name, [Every(0, 0), Every(1, 0), Every(0, 1), Every(1, 1)], ("axis", LayerWriters.Whole(1)));

        string Every(long row, long column) => graph.Node(
            "Slice",
            name + ".part",
            [padded, graph.Integers(row, column), graph.Integers(End(row), End(column)), graph.Integers(2, 3), graph.Integers(2, 2)]);

        static long End(long first) => first == 0 ? -1 : int.MaxValue;
    }
}
