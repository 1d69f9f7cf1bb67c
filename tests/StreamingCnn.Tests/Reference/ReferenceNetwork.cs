using System.Text.Json;
using StreamingCnn.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Reference;

/// <summary>The network that a reference case describes, with the case's parameters.</summary>
internal sealed class ReferenceNetwork : StreamingBlock
{
    private readonly JsonElement[] nodes;
    private readonly Dictionary<string, Module<Tensor, Tensor>> layers = [];

    public ReferenceNetwork(ReferenceCase reference)
        : base(nameof(ReferenceNetwork))
    {
        nodes = [.. reference.Description.GetProperty("nodes").EnumerateArray()];
        foreach (var node in nodes.Where(node => node.GetProperty("op").GetString() is not ("add" or "concat")))
        {
            var id = node.GetProperty("id").GetString()!;
            var layer = Make(node).to(ScalarType.Float64);
            layers.Add(id, layer);
            register_module(id, layer);
        }

        using var grad = no_grad();
        foreach (var (name, parameter) in named_parameters())
            parameter.copy_(reference.Read($"param.{name}"));
        foreach (var (name, buffer) in named_buffers().Where(b => !b.name.EndsWith("num_batches_tracked", StringComparison.Ordinal)))
            buffer.copy_(reference.Read($"buffer.{name}"));
        eval();
    }

    public override FeatureMap Trace(FeatureMap input)
    {
        var maps = new Dictionary<string, FeatureMap> { ["x"] = input };
        foreach (var node in nodes)
        {
            var id = node.GetProperty("id").GetString()!;
            var inputs = node.GetProperty("in").EnumerateArray().Select(i => maps[i.GetString()!]).ToArray();
            maps[id] = node.GetProperty("op").GetString() switch
            {
                "add" => inputs[0] + inputs[1],
                "concat" => FeatureMap.Concat(inputs),
                _ => inputs[0].Through(layers[id]),
            };
        }

        return maps[nodes[^1].GetProperty("id").GetString()!];
    }

    private static Module<Tensor, Tensor> Make(JsonElement node)
    {
        var op = node.GetProperty("op").GetString();
        var channels = node.GetProperty("channels_out").GetInt64();
        return op switch
        {
            "conv2d" => Conv2d(
                node.GetProperty("cin").GetInt64(),
                channels,
                Pair("kernel"),
                stride: Pair("stride"),
                padding: Pair("pad"),
                dilation: Pair("dilation"),
                groups: node.GetProperty("groups").GetInt64(), bias: node.GetProperty("bias").GetBoolean()),
            "relu" => ReLU(),
            "gelu" => GELU(),
            "maxpool2d" => MaxPool2d(Number("kernel"), Number("stride"), Number("pad"), ceil_mode: node.GetProperty("ceil").GetBoolean()),
            "avgpool2d" => AvgPool2d(
                Number("kernel"), Number("stride"), Number("pad"), count_include_pad: node.GetProperty("count_include_pad").GetBoolean()),
            "batchnorm_eval" => BatchNorm2d(channels, eps: node.GetProperty("eps").GetDouble()),
            "layernorm_c" => new ChannelLayerNorm(channels, node.GetProperty("eps").GetDouble()),
            "scale_c" => new ChannelScale(channels),
            "upsample_nearest" => Upsample(scale_factor: [node.GetProperty("scale").GetDouble(), node.GetProperty("scale").GetDouble()]),
            _ => throw new NotSupportedException($"The reference case uses the unknown operation '{op}'."),
        };

        (long, long) Pair(string name)
        {
            var values = node.GetProperty(name).EnumerateArray().Select(v => v.GetInt64()).ToArray();
            return (values[0], values[1]);
        }

        long Number(string name) => node.GetProperty(name).GetInt64();
    }
}
