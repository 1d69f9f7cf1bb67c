using StreamingCnn.Models;

namespace StreamingCnn.Onnx.Import.Operators;

/// <summary>Attention between neighbouring positions, as it was put together again.</summary>
internal static class Attention
{
    private const int FirstParameter = 1;
    private const int Table = 5;
    private const int Shift = 6;

    /// <summary>Attention in windows.</summary>
    public static OnnxValue InWindows(NodeContext node)
    {
        var shift = node.OptionalConstant(Shift)?.Integers()[0] ?? 0;
        return Of(
            node,
            (channels, heads, window) => new WindowAttention(channels, heads, window, shift),
            $"{shift}",
            "relative_position_bias_table");
    }

    /// <summary>Attention to the positions around each.</summary>
    public static OnnxValue ToNeighbours(NodeContext node) =>
        Of(node, (channels, heads, window) => new NeighbourhoodAttention(channels, heads, window), "", "rpb");

    private static OnnxValue Of<TLayer>(NodeContext node, Func<long, long, long, TLayer> make, string settings, string table)
        where TLayer : LocalAttention
    {
        var map = node.Map(0);
        ConstantValue[] weights = [.. Enumerable.Range(FirstParameter, Table).Select(node.Constant)];
        var (heads, window) = (node.Integer("heads", 0), node.Integer("window", 0));
        var layer = node.Shared(Make, $"{heads}|{window}|{settings}", weights);
        Func<LocalAttention, TorchSharp.torch.Tensor>[] own =
        [
            of => of.Inputs.weight, of => of.Inputs.bias!, of => of.Outputs.weight, of => of.Outputs.bias!, of => of.Table,
        ];
        for (var i = 0; i < own.Length; i++)
        {
            var find = own[i];
            node.Keep(weights[i], () => find(layer));
        }

        var name = node.ModuleName(
            (weights[0], "qkv.weight"),
            (weights[1], "qkv.bias"),
            (weights[2], "proj.weight"),
            (weights[3], "proj.bias"),
            (weights[4], table));
        return node.Builder.Through(map, layer, name);

        TLayer Make()
        {
            var made = make(map.Channels, heads, window);
            Weights.Fill(made.Inputs.weight, weights[0]);
            Weights.Fill(made.Inputs.bias, weights[1]);
            Weights.Fill(made.Outputs.weight, weights[2]);
            Weights.Fill(made.Outputs.bias, weights[3]);
            Weights.Fill(made.Table, weights[4]);
            return made;
        }
    }
}
