namespace StreamingCnn.Training;

/// <summary>How a classifier's head makes one vector of a feature map.</summary>
public enum HeadPooling
{
    /// <summary>The mean over all positions: evidence that is spread over the image.</summary>
    Average,

    /// <summary>The maximum over all positions: evidence that is in one place.</summary>
    Max,
}
