using StreamingCnn.Distributed.Threads;
using StreamingCnn.Training.Ranks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Ranks;

public class GradientSumTests
{
    /// <summary>
    /// Of three ranks all have a gradient of the first parameter, one of the second, none of the third; types are summed up apart.
    /// </summary>
    [Fact]
    public void Whoever_has_none_gets_the_others_and_what_nobody_has_stays_without()
    {
        var parameters = Enumerable.Range(0, 3).Select(rank => Make(rank)).ToArray();
        ThreadRanks.Run(3, ranks => GradientSum.ToAll(ranks, parameters[ranks.Rank]));
        foreach (var own in parameters)
        {
            Assert.Equal(new double[] { 6, 6, 6, 6 }, Values(own[0]));
            Assert.Equal(new double[] { 0.1, 0.1 }, Values(own[1]));
            Assert.Equal((ScalarType.Float64, ScalarType.BFloat16), (own[1].grad!.dtype, own[3].grad!.dtype));
            Assert.Null(own[2].grad);
            Assert.Equal(new double[] { 3 }, Values(own[3]));
        }
    }

    [Fact]
    public void A_sum_that_is_not_complete_is_held_by_the_first_alone()
    {
        var parameters = Enumerable.Range(0, 3).Select(rank => Make(rank)).ToArray();
        ThreadRanks.Run(3, ranks =>
        {
            GradientSum.ToFirst(ranks, parameters[ranks.Rank]);
            Assert.Equal(ranks.Rank > 0, parameters[ranks.Rank][0].grad is null);
            GradientSum.ToAll(ranks, parameters[ranks.Rank]);
        });
        Assert.All(parameters, own => Assert.Equal(new double[] { 6, 6, 6, 6 }, Values(own[0])));
    }

    private static Parameter[] Make(int rank)
    {
        Parameter[] made =
        [
            new Parameter(zeros(2, 2)),
            new Parameter(zeros(2, ScalarType.Float64)),
            new Parameter(zeros(5)),
            new Parameter(zeros(1, ScalarType.BFloat16)),
        ];
        made[0].grad = full([2, 2], rank + 1.0);
        if (rank == 1)
            made[1].grad = full([2], 0.1, ScalarType.Float64);
        made[3].grad = ones(1, ScalarType.BFloat16);
        return made;
    }

    private static double[] Values(Parameter parameter)
    {
        using var scope = NewDisposeScope();
        return parameter.grad!.to(ScalarType.Float64).data<double>().ToArray();
    }
}
