using StreamingCnn.Graph;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn;

/// <summary>
/// A symbolic small tensor that depends on whole maps, such as their means: [N, C], or whatever modules make of it. It comes out of
/// <see cref="FeatureMap.Reduce(Reductions.MapReduction, FeatureMap[])"/>, and goes back into maps by <see cref="FeatureMap.Scale"/>,
/// <see cref="FeatureMap.Shift"/> and <see cref="FeatureMap.Filled"/>.
/// </summary>
public sealed class GlobalTensor : NetworkValue
{
    internal GlobalTensor(Tracing builder, int index)
        : base(builder) => Index = index;

    /// <summary>Index among the network's small tensors.</summary>
    internal int Index { get; }

    /// <summary>The small tensor that a module makes of this one: any module, by ordinary autograd.</summary>
    /// <param name="module">The module; it runs once in a step, in the mode that it is in.</param>
    public GlobalTensor Through(Module<Tensor, Tensor> module)
    {
        ArgumentNullException.ThrowIfNull(module);
        return Builder.Small(module, this);
    }

    /// <summary>The small tensor that a function makes of this one, by ordinary autograd.</summary>
    /// <param name="function">The function. It is called once in a step, and may not change its argument.</param>
    /// <param name="parameters">
    /// The parameters that it uses. Those that it has captured, or that are in modules or other objects that it has captured, are found
    /// without being named.
    /// </param>
    public GlobalTensor Apply(Func<Tensor, Tensor> function, params Parameter[] parameters)
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(parameters);
        return Of(nameof(Apply), tensors => function(tensors[0]), CapturedTensors.Of(function, parameters), [this]);
    }

    /// <summary>The small tensor that a function makes of several, by ordinary autograd.</summary>
    /// <param name="function">The function. It is called once in a step, and may not change its arguments.</param>
    /// <param name="tensors">The small tensors, at least one.</param>
    /// <param name="parameters">The parameters that it uses, as for <see cref="Apply"/>.</param>
    public static GlobalTensor Combine(
        Func<IReadOnlyList<Tensor>, Tensor> function, IReadOnlyList<GlobalTensor> tensors, params Parameter[] parameters)
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentOutOfRangeException.ThrowIfZero(tensors.Count, nameof(tensors));
        return Of(nameof(Combine), function, CapturedTensors.Of(function, parameters), [.. tensors]);
    }

    /// <summary>The small tensor that a function makes of several in float64, as reductions give them.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="function">The function.</param>
    /// <param name="tensors">The small tensors, at least one.</param>
    /// <param name="parameters">The parameters that it uses.</param>
    internal static GlobalTensor Precisely(
        string name, Func<IReadOnlyList<Tensor>, Tensor> function, IReadOnlyList<GlobalTensor> tensors, params Parameter[] parameters) =>
        tensors[0].Builder.Small(new SmallFunction(function) { Name = name, IsPrecise = true, Parameters = parameters }, tensors);

    private static GlobalTensor Of(
        string name, Func<IReadOnlyList<Tensor>, Tensor> function, CapturedTensors captured, IReadOnlyList<GlobalTensor> tensors)
    {
        var whole = new SmallFunction(Separately) { Name = name, Parameters = captured.Parameters, Others = captured.Others };
        return tensors[0].Builder.Small(whole, tensors);

        // Arguments and result are disposed by themselves, and a function may return its very argument.
        Tensor Separately(IReadOnlyList<Tensor> arguments)
        {
            var result = function(arguments);
            return arguments.Any(argument => ReferenceEquals(argument, result)) ? result.alias() : result;
        }
    }
}
