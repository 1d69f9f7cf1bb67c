using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Graph;

/// <summary>
/// What a function of small tensors may use besides its arguments: tensors that it has captured, or finds in what it has captured.
/// </summary>
/// <param name="Parameters">The parameters. Those that the function does not use get no gradient from it.</param>
/// <param name="Others">Other tensors that require a gradient, which cannot get theirs through the function.</param>
internal sealed record CapturedTensors(IReadOnlyList<Parameter> Parameters, IReadOnlyList<Tensor> Others)
{
    /// <summary>Those of a function.</summary>
    /// <param name="function">The function.</param>
    /// <param name="named">The parameters that its caller names.</param>
    public static CapturedTensors Of(Delegate function, IReadOnlyList<Parameter> named)
    {
        var found = ReachableTensors.From([function]).Where(tensor => !tensor.IsInvalid).ToArray();
        return new(
            [.. named.Concat(found.OfType<Parameter>()).DistinctBy(parameter => parameter.Handle)],
            [.. found.Where(tensor => tensor is not Parameter && tensor.requires_grad)]);
    }
}
