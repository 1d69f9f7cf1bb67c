using StreamingCnn.Graph;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Stages;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>In which types, where and in which order of memory a trunk's maps are computed, and what follows for what they cost.</summary>
internal sealed class TrunkArithmetic(nn.Module trunk, StreamingOptions options)
{
    /// <summary>The computation runs where the trunk's parameters are, in their type.</summary>
    public (ScalarType Type, Device Device) Compute(IReadOnlyList<Tensor> images)
    {
        if (trunk.parameters().FirstOrDefault(p => p.is_floating_point()) is { } parameter)
            return (parameter.dtype, parameter.device);
        var type = images.FirstOrDefault(image => image.is_floating_point())?.dtype ?? ScalarType.Float32;
        return (type, images.Count > 0 ? images[0].device : CPU);
    }

    /// <summary>The device of the computation, as far as it is known without images.</summary>
    public Device Device => Compute([]).Device;

    /// <summary>The type of maps where sources have one.</summary>
    public ScalarType MapType(ScalarType type) => options.Compute == ComputePrecision.BFloat16 ? ScalarType.BFloat16 : type;

    /// <summary>Bytes of a value of such maps.</summary>
    public int ValueBytes(ScalarType type) => ElementSize(MapType(type));

    /// <summary>The order in which such maps lie in memory.</summary>
    public MapFormat Format(ScalarType type, Device device) => options.ChannelsLast switch
    {
        true => MapFormat.ChannelsLast,
        false => MapFormat.ChannelsFirst,
        null => MapFormats.FasterFor(MapType(type), device),
    };

    /// <summary>The network as steps run it: with norms folded, and maps in the type that was asked for.</summary>
    public NetworkGraph Streamed(NetworkGraph written)
    {
        var folded = NormFolding.Of(written);
        return options.Compute == ComputePrecision.BFloat16 ? NarrowMaps.Of(folded) : folded;
    }

    /// <summary>What steps cost.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="wanted">Of which sources the gradient is.</param>
    /// <param name="batch">Images at once.</param>
    /// <param name="type">Type of the sources.</param>
    /// <param name="passes">What runs.</param>
    public TrunkCost Cost(
        NetworkGraph graph, IReadOnlyList<bool> wanted, long batch, ScalarType type, Passes passes = Passes.Both) =>
        new TrunkCost(graph, wanted, batch, ValueBytes(type), new ComputeRates(), CarryIsElsewhere(Device))
        {
            SourceElementSize = ElementSize(type),
        }.For(passes);

    /// <summary>What steps of stages cost.</summary>
    /// <param name="batch">Images at once.</param>
    /// <param name="type">Type of the sources.</param>
    /// <param name="passes">What runs.</param>
    public StageCosts Costs(long batch, ScalarType type, Passes passes = Passes.Both)
    {
        var device = Device;
        return new(
            (graph, wanted) => Cost(graph, wanted, batch, type, passes),
            batch * ValueBytes(type),
            batch * ElementSize(type),
            place => IsElsewhere(place, device),
            passes);
    }

    /// <summary>Whether the carry waits somewhere else than on the device that computes.</summary>
    public bool CarryIsElsewhere(Device device) => IsElsewhere(options.Carry, device);

    /// <summary>Whether a place is another than the device that computes.</summary>
    public bool IsElsewhere(CarryPlace place, Device device) =>
        place == CarryPlace.File || (place == CarryPlace.Host && (device.type != DeviceType.CPU || options.HostIsElsewhere));

    private static int ElementSize(ScalarType type) => type switch
    {
        ScalarType.Float64 => 8,
        ScalarType.BFloat16 or ScalarType.Float16 => 2,
        _ => 4,
    };
}
