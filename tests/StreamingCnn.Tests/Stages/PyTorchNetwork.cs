using System.Text.Json;
using StreamingCnn.Reductions;
using StreamingCnn.Tests.Reference;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>The networks of the cases that PyTorch made, with their parameters and running statistics.</summary>
internal static class PyTorchNetwork
{
    /// <summary>The network as it was before the first step, in training mode.</summary>
    public static Sequential Of(ReferenceCase reference)
    {
        var network = Sequential(reference.Description.GetProperty("layers").EnumerateArray().Select(Layer)).@double();
        using var grad = no_grad();
        foreach (var (name, tensor) in network.state_dict())
            tensor.copy_(reference.Read($"state.{name}"));
        network.train();
        return network;
    }

    private static Module<Tensor, Tensor> Layer(JsonElement layer)
    {
        switch (layer.GetProperty("op").GetString())
        {
            case "conv":
                var stride = layer.GetProperty("stride")[0].GetInt64();
                return Conv2d(Number("in_channels"), Number("out_channels"), 3, stride: stride, padding: 1);
            case "relu":
                return ReLU();
            case "batch_norm":
                var norm = BatchNorm2d(Number("num_features"), affine: Is("affine"), track_running_stats: Is("track_running_stats"));
                var momentum = layer.GetProperty("momentum");
                norm.momentum = momentum.ValueKind == JsonValueKind.Null ? null : momentum.GetDouble();
                return norm;
            case "group_norm":
                return GroupNorm(Number("num_groups"), Number("num_channels"));
            case "instance_norm":
                return InstanceNorm2d(Number("num_features"), affine: Is("affine"), track_running_stats: Is("track_running_stats"));
            case "average_pool":
                return AdaptiveAvgPool2d(Bins());
            case "max_pool":
                return AdaptiveMaxPool2d(Bins());
            case "flatten":
                return Flatten();
            case "linear":
                return Linear(Number("in_features"), Number("out_features"));
            case "gate":
                return new SqueezeAndExcite();
            case "response_norm":
                return new ResponseNorm();
            case var other:
                throw new NotSupportedException($"The case has the unknown layer '{other}'.");
        }

        long Number(string name) => layer.GetProperty(name).GetInt64();

        bool Is(string name) => layer.GetProperty(name).GetBoolean();

        long[] Bins() => layer.GetProperty("output_size") is { ValueKind: JsonValueKind.Array } bins
            ? [bins[0].GetInt64(), bins[1].GetInt64()]
            : [Number("output_size"), Number("output_size")];
    }

    private sealed class SqueezeAndExcite : StreamingBlock
    {
        private readonly Conv2d fc1 = Conv2d(4, 2, 1);
        private readonly Conv2d fc2 = Conv2d(2, 4, 1);

        public SqueezeAndExcite()
            : base(nameof(SqueezeAndExcite)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input) =>
            input.Gate(input.Pooled(AdaptiveAvgPool2d(1)).Through(fc1).Apply(t => functional.relu(t)).Through(fc2));
    }

    private sealed class ResponseNorm : StreamingBlock
    {
        // In another precision the network would have others.
        private readonly Parameter weight = Parameter(zeros(4, ScalarType.Float64));
        private readonly Parameter bias = Parameter(zeros(4, ScalarType.Float64));

        public ResponseNorm()
            : base(nameof(ResponseNorm)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input)
        {
            var lengths = (input * input).Reduce(new SumReduction())[0].Apply(sum => sum.sqrt());
            var scale = lengths.Apply(l => l / (l.mean([1], keepdim: true) + 1e-6) * weight, weight);
            return input + input.Scale(scale).Shift(lengths.Apply(_ => bias.unsqueeze(0), bias));
        }
    }
}
