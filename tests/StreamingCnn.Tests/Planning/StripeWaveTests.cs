using CsCheck;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>Rows of tiles that follow each other from process to process, on as many processors and on fewer.</summary>
public class StripeWaveTests
{
    // Whole numbers of small steps, so that a clock can tick them.
    private static readonly Gen<double[][]> Waves = Gen.Select(Gen.Int[1, 5], Gen.Int[1, 7]).SelectMany((stripes, rows) =>
        Gen.Int[0, 6].Select(seconds => (double)seconds).Array[stripes].Array[rows]);

    /// <summary>
    /// Played by a clock: in each short moment all that may run gets the same share of the processors. What ends within a moment is late by
    /// less than it.
    /// </summary>
    [Fact]
    public void On_fewer_processors_all_that_may_run_is_equally_slower() => Gen.Select(Waves, Gen.Int[1, 5]).Sample(
        (rows, processors) =>
        {
            const double Moment = 1e-3;
            var stripes = rows[0].Length;
            var (at, left, moments) = (new int[stripes], (double[])rows[0].Clone(), 0);
            while (at[^1] < rows.Length)
            {
                int[] running =
                [
                    .. Enumerable.Range(0, stripes).Where(i => at[i] < rows.Length && (i == 0 || at[i] < at[i - 1])),
                ];
                var share = Math.Min(1.0, (double)processors / running.Length);
                // What takes no time at all is done before the clock ticks.
                var isIdle = running.Any(i => left[i] <= 1e-9);
                moments += isIdle ? 0 : 1;
                foreach (var i in running)
                {
                    left[i] -= isIdle ? 0 : Moment * share;
                    if (left[i] <= 1e-9 && ++at[i] < rows.Length)
                        left[i] = rows[at[i]][i];
                }
            }

            Assert.Equal(moments * Moment, StripeWave.Seconds(rows, processors), 2 * Moment * rows.Length * stripes);
        },
        iter: 60,
        threads: 1);

    [Fact]
    public void One_processor_runs_all_of_it_and_more_never_take_longer() => Waves.Sample(
        rows =>
        {
            var (all, stripes) = (rows.Sum(row => row.Sum()), rows[0].Length);
            double[] seconds = [.. Enumerable.Range(1, stripes + 1).Select(processors => StripeWave.Seconds(rows, processors))];

            Assert.Equal(all, seconds[0], 1e-9);
            Assert.Equal(seconds[^1], seconds[^2], 1e-9);
            foreach (var (i, time) in seconds.Index())
                Assert.InRange(time, Math.Max(all / (i + 1), seconds[^1]) - 1e-9, all + 1e-9);
        },
        iter: 300,
        threads: 1);
}
