namespace StreamingCnn.Training.Tasks;

/// <summary>
/// Something of each pixel is to be learned from files of the images' size. What a model says of an image are sums over its pixels, of
/// which metrics are made, so that no map is ever held.
/// </summary>
public abstract class MapTask : LearningTask
{
    private protected MapTask()
    {
    }
}
