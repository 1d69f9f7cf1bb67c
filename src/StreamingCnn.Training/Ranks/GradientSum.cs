using StreamingCnn.Distributed;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Ranks;

/// <summary>Adds up gradients over all ranks, all of them in one message.</summary>
internal static class GradientSum
{
    /// <summary>Gives every rank the sum of all ranks' gradients. A parameter that has none anywhere stays without.</summary>
    public static void ToAll(ICommunicator ranks, IEnumerable<Parameter> parameters)
    {
        if (ranks.Size == 1)
            return;
        // Types that no library of MPI can add up are added up in float32.
        foreach (var group in parameters.DistinctBy(parameter => parameter.Handle)
            .GroupBy(parameter => parameter.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32))
            Sum(ranks, [.. group], group.Key);
    }

    /// <summary>
    /// Gives the first rank the sum of all ranks' gradients, and leaves the others none: what is added to them later still belongs to one
    /// sum.
    /// </summary>
    public static void ToFirst(ICommunicator ranks, IEnumerable<Parameter> parameters)
    {
        if (ranks.Size == 1)
            return;
        Parameter[] all = [.. parameters];
        ToAll(ranks, all);
        KeepOfFirst(ranks, all);
    }

    /// <summary>Leaves gradients to the first rank alone.</summary>
    public static void KeepOfFirst(ICommunicator ranks, IEnumerable<Parameter> parameters)
    {
        if (ranks.Rank == 0)
            return;
        foreach (var parameter in parameters)
            parameter.grad = null;
    }

    private static void Sum(ICommunicator ranks, Parameter[] parameters, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var length = parameters.Sum(parameter => parameter.numel());
        // Behind the gradients a number for each parameter: on how many ranks it has one.
        var sum = zeros(length + parameters.Length, type, CPU);
        var holders = sum.narrow(0, length, parameters.Length);
        var places = Places(parameters, sum);
        using Scalar one = 1;
        for (var i = 0; i < parameters.Length; i++)
        {
            if (parameters[i].grad is not { } gradient)
                continue;
            places[i].copy_(gradient.cpu());
            holders.narrow(0, i, 1).fill_(one);
        }

        // Who is done first waits here, so that the sum itself is waited for no longer than it takes.
        ranks.Meet();
        ranks.Sum(sum);
        var counts = holders.to(ScalarType.Float64).data<double>().ToArray();
        for (var i = 0; i < parameters.Length; i++)
        {
            if (counts[i] == 0)
                continue;
            if (parameters[i].grad is { } gradient)
                gradient.copy_(places[i]);
            else
                parameters[i].grad = places[i].to(parameters[i].dtype, parameters[i].device, copy: true).DetachFromDisposeScope();
        }
    }

    private static Tensor[] Places(Parameter[] parameters, Tensor sum)
    {
        long start = 0;
        return [.. parameters.Select(parameter =>
        {
            var place = sum.narrow(0, start, parameter.numel()).view(parameter.shape);
            start += parameter.numel();
            return place;
        })];
    }
}
